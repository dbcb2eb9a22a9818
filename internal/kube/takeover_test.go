package kube_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

const kubectlApply = "kubectl-client-side-apply"

// applied puts objects on the server as kubectl apply does.
func applied(t *testing.T, s *kubetest.Server, objects []manifest.Object, change func(kind string, content kubetest.Content)) {
	t.Helper()
	paths := map[string]string{
		"ServiceAccount": "/api/v1/namespaces/argo/serviceaccounts/", "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/argo/roles/",
		"WorkflowTemplate": argoPath + "workflowtemplates/", "Service": "/api/v1/namespaces/events/services/",
		"EventSource": eventsPath + "eventsources/", "Sensor": eventsPath + "sensors/",
	}
	for _, object := range objects {
		var content kubetest.Content
		require.NoError(t, yaml.Unmarshal(object.YAML, &content))
		change(object.Kind, content)
		s.Put(paths[object.Kind]+object.Name, kubectlApply, content)
	}
}

// An older pipeline, as the construct installs it: with another template and another trigger.
func older(kind string, content kubetest.Content) {
	if kind == "Sensor" {
		content["spec"].(kubetest.Content)["replicas"] = float64(2)
		content["spec"].(kubetest.Content)["revisionHistoryLimit"] = float64(3)
	}
}

func TestAPipelineThatKubectlAppliedUpdatesItself(t *testing.T) {
	s, c := newServer(t)
	applied(t, s, pipeline("aa"), older)

	require.NoError(t, c.Try(t.Context(), pipeline("bb")))
	assert.Empty(t, s.Writes())
	changes, err := c.Update(t.Context(), pipeline("bb"))
	require.NoError(t, err)

	assert.Equal(t, manifest.Changed, actions(changes)["sensor/shop-sensor"])
	spec := s.Object(sensorPath).Object["spec"].(kubetest.Content)
	assert.EqualValues(t, 1, spec["replicas"])
	assert.NotContains(t, spec, "revisionHistoryLimit", "a field that the pipeline no longer declares is removed")

	s.Forget()
	changes, err = c.Update(t.Context(), pipeline("bb"))
	require.NoError(t, err)
	for object, action := range actions(changes) {
		assert.Equal(t, manifest.Unchanged, action, object)
	}
}

// meddler is a client's connection over which another client is quicker: before each of the
// first requests that take fields over, the object has changed.
type meddler struct {
	http.RoundTripper
	times  int
	change func()
}

func (m *meddler) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.times > 0 && r.Header.Get("Content-Type") == "application/json-patch+json" {
		m.times--
		m.change()
	}
	return m.RoundTripper.RoundTrip(r)
}

func TestAnObjectThatChangesWhileItIsTakenOverFromKubectlIsReadAgain(t *testing.T) {
	for times, fails := range map[int]bool{1: false, 3: false, 4: true} {
		s, c := newServer(t)
		objects := pipeline("aa")
		sensor := slices.DeleteFunc(slices.Clone(objects), func(o manifest.Object) bool { return o.Kind != "Sensor" })
		applied(t, s, sensor, older)
		meddling := &meddler{RoundTripper: http.DefaultTransport, times: times, change: func() { applied(t, s, sensor, older) }}
		var err error
		c.Client, err = dynamic.NewForConfig(&rest.Config{Host: s.URL, QPS: 1000, Burst: 1000, Transport: meddling})
		require.NoError(t, err)
		_, err = c.Apply(t.Context(), objects)
		if fails {
			require.ErrorContains(t, err, "sensor/shop-sensor changed each time that it was about to be updated", "%d times", times)
			assert.Equal(t, errs.Temporary, errs.KindOf(err))
			continue
		}
		require.NoError(t, err, "%d times", times)
		assert.NotContains(t, s.Object(sensorPath).Object["spec"].(kubetest.Content), "revisionHistoryLimit", "%d times", times)
		assert.Zero(t, meddling.times)
	}
}

func TestWhatAnotherManagerChangedStaysAConflictBesideKubectlApply(t *testing.T) {
	s, c := newServer(t)
	applied(t, s, pipeline("aa"), func(string, kubetest.Content) {})
	s.Put(sensorPath, "kubectl-edit", kubetest.Content{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Sensor", "metadata": kubetest.Content{"name": "shop-sensor", "namespace": "events"},
		"spec": kubetest.Content{"replicas": float64(2)},
	})
	assert.ErrorContains(t, c.Try(t.Context(), pipeline("bb")), "sensor/shop-sensor has fields that kubectl-edit set to another value")
	assert.Empty(t, s.Writes())
}

func TestAnObjectWithoutThePipelinesLabelIsNotTakenOverFromKubectl(t *testing.T) {
	s, c := newServer(t)
	applied(t, s, pipeline("aa"), func(kind string, content kubetest.Content) {
		older(kind, content)
		delete(content["metadata"].(kubetest.Content), "labels")
	})
	assert.ErrorContains(t, c.Try(t.Context(), pipeline("bb")), "fields that "+kubectlApply+" set to another value")
	assert.Empty(t, s.Writes())
}

func TestADiffOfAPipelineThatKubectlAppliedIsThatOfItsUpdate(t *testing.T) {
	s, c := newServer(t)
	applied(t, s, pipeline("aa"), older)
	differences, err := c.Diff(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Contains(t, texts(differences)["changed sensor/shop-sensor"], "-  replicas: 2")
	assert.Empty(t, s.Writes())
}
