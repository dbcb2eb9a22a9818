package kube_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

const (
	argoPath   = "/apis/argoproj.io/v1alpha1/namespaces/argo/"
	eventsPath = "/apis/argoproj.io/v1alpha1/namespaces/events/"
	sensorPath = eventsPath + "sensors/shop-sensor"
)

func object(version, kind, namespace, name, more string) manifest.Object {
	text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata:\n  name: %s\n  namespace: %s\n  labels: {app.kubernetes.io/managed-by: aphex-pipeline, aphex.dev/pipeline: shop-1}\n%s\n",
		version, kind, name, namespace, more)
	return manifest.Object{Kind: kind, Namespace: namespace, Name: name, YAML: []byte(text)}
}

// pipeline returns a small pipeline whose Sensor submits a version of the template.
func pipeline(version string) []manifest.Object {
	return []manifest.Object{
		object("v1", "ServiceAccount", "argo", "shop", ""),
		object("rbac.authorization.k8s.io/v1", "Role", "argo", "shop", "rules: []"),
		object("argoproj.io/v1alpha1", "WorkflowTemplate", "argo", "shop-"+version, "  annotations: {aphex.dev/digest: 'sha256:"+version+"'}\nspec: {entrypoint: run, arguments: {parameters: [{name: commit-sha}, {name: purpose, value: \"\"}]}}"),
		object("v1", "Service", "events", "shop-svc", "spec: {type: NodePort}"),
		object("argoproj.io/v1alpha1", "EventSource", "events", "shop-github", "spec: {github: {github: {webhookSecret: {name: shop-webhook, key: secret}}}}"),
		object("argoproj.io/v1alpha1", "Sensor", "events", "shop-sensor", "  annotations: {aphex.dev/template: shop-"+version+"}\nspec: {triggers: [{template: {name: push}}], replicas: 1}"),
	}
}

func actions(changes []manifest.Change) map[string]manifest.Action {
	all := map[string]manifest.Action{}
	for _, change := range changes {
		all[change.Object] = change.Action
	}
	return all
}

func TestApplyRunsADryRunThenAppliesInOrderAndReturnsTheChanges(t *testing.T) {
	s, c := newServer(t)
	changes, err := c.Apply(t.Context(), pipeline("3f"))
	require.NoError(t, err)
	for object, action := range actions(changes) {
		assert.Equal(t, manifest.Created, action, object)
	}
	var order []string
	for _, request := range s.Writes() {
		if strings.HasPrefix(request, "PATCH") {
			parts := strings.Split(request, "/")
			order = append(order, parts[len(parts)-2])
		}
	}
	assert.Equal(t, []string{"serviceaccounts", "roles", "workflowtemplates", "workflows", "services", "eventsources", "sensors"}, order)
	assert.Empty(t, s.Has("workflows"), "the validation leaves no Workflow")

	changes, err = c.Apply(t.Context(), pipeline("3f"))
	require.NoError(t, err)
	for object, action := range actions(changes) {
		assert.Equal(t, manifest.Unchanged, action, object)
	}
}

func TestARefusedDryRunChangesNothing(t *testing.T) {
	s, c := newServer(t)
	s.Refuse = func(r kubetest.Request) int {
		if r.Dry && strings.Contains(r.Path, "/sensors/") {
			return http.StatusUnprocessableEntity
		}
		return 0
	}
	_, err := c.Apply(t.Context(), pipeline("3f"))

	assert.ErrorContains(t, err, "the cluster rejects sensor/shop-sensor")
	assert.Empty(t, s.Writes())
	assert.Empty(t, s.Paths())
}

func TestAnObjectOfAnotherPipelineIsNotTouched(t *testing.T) {
	s, c := newServer(t)
	s.Put(eventsPath+"eventsources/shop-github", "aphex-pipeline", kubetest.Content{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "EventSource",
		"metadata": kubetest.Content{"name": "shop-github", "namespace": "events", "labels": kubetest.Content{manifest.LabelPipeline: "other-2"}},
	})
	_, err := c.Apply(t.Context(), pipeline("3f"))

	require.ErrorContains(t, err, `eventsource/shop-github in namespace "events" belongs to the pipeline "other-2", and this one is "shop-1"`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "eventSourceName")
	assert.Empty(t, s.Writes())
}

func TestAConflictNamesTheManagerAndForceTakesTheFieldOver(t *testing.T) {
	s, c := newServer(t)
	s.Put(sensorPath, "kubectl-edit", kubetest.Content{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Sensor", "metadata": kubetest.Content{"name": "shop-sensor", "namespace": "events"},
		"spec": kubetest.Content{"replicas": float64(2)},
	})
	_, err := c.Apply(t.Context(), pipeline("3f"))
	require.ErrorContains(t, err, "sensor/shop-sensor has fields that kubectl-edit set to another value")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "--force")
	assert.Empty(t, s.Writes())

	c.Force = true
	_, err = c.Apply(t.Context(), pipeline("3f"))
	assert.NoError(t, err)
}

func TestATemplateThatArgoRefusesLeavesTheLastValidOneInUse(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	s.Control = func(path string, object kubetest.Content) {
		kubetest.Accepting(path, object)
		if strings.HasSuffix(path, "/workflows/shop-bb") {
			object["status"] = kubetest.Content{"phase": "Failed", "message": "invalid spec: templates.run unknown field"}
		}
	}
	_, err = c.Apply(t.Context(), pipeline("bb"))

	require.ErrorContains(t, err, "Argo refuses workflowtemplate/shop-bb: invalid spec: templates.run unknown field")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Equal(t, []string{"shop-aa"}, s.Has("workflowtemplates"))
	assert.Equal(t, "shop-aa", s.Object(sensorPath).GetAnnotations()[manifest.AnnotationTemplate])
	assert.Empty(t, s.Has("workflows"))
}

func TestATemplateIsValidatedWithoutRunningIt(t *testing.T) {
	s, c := newServer(t)
	looked := false
	s.Control = func(path string, object kubetest.Content) {
		kubetest.Accepting(path, object)
		if strings.HasSuffix(path, "/workflows/shop-aa") {
			looked = true
			assert.Equal(t, kubetest.Content{
				"suspend": true, "workflowTemplateRef": kubetest.Content{"name": "shop-aa"},
				"arguments": kubetest.Content{"parameters": []any{kubetest.Content{"name": "commit-sha", "value": "none"}}},
			}, object["spec"], "Strict template referencing allows these fields only")
		}
	}
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.True(t, looked)
}

func TestValidationIsRepeatedIfTheControllerDoesNotFindTheTemplateYet(t *testing.T) {
	s, c := newServer(t)
	looks := 0
	s.Control = func(path string, object kubetest.Content) {
		kubetest.Accepting(path, object)
		if strings.HasSuffix(path, "/workflows/shop-aa") {
			if looks++; looks < 3 {
				object["status"] = kubetest.Content{"phase": "Error", "message": `workflowtemplates.argoproj.io "shop-aa" not found`}
			}
		}
	}
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Equal(t, 3, looks)
	assert.Empty(t, s.Has("workflows"))
}

func TestAControllerThatDoesNotValidateIsATemporaryError(t *testing.T) {
	s, c := newServer(t)
	c.Patience = 300 * time.Millisecond
	s.Control = func(string, kubetest.Content) {}
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.ErrorContains(t, err, "Argo Workflows has not validated workflowtemplate/shop-aa within 300ms")
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
	assert.Empty(t, s.Has("sensors"))
}

func TestASensorThatIsNotAcceptedIsRestored(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	c.Patience = 500 * time.Millisecond
	s.Control = func(path string, object kubetest.Content) {
		kubetest.Accepting(path, object)
		if path == sensorPath {
			object["status"] = kubetest.Content{"conditions": []any{kubetest.Content{"type": "TriggersProvided", "status": "False", "reason": "InvalidTriggers", "message": "no triggers"}}}
		}
	}
	_, err = c.Apply(t.Context(), pipeline("bb"))
	require.ErrorContains(t, err, "Argo Events refuses sensor/shop-sensor: TriggersProvided: InvalidTriggers no triggers")
	assert.Equal(t, "shop-aa", s.Object(sensorPath).GetAnnotations()[manifest.AnnotationTemplate])
	assert.Contains(t, s.Has("workflowtemplates"), "shop-aa")
}

func TestRefusalsHaveHints(t *testing.T) {
	for code, want := range map[int]struct {
		text string
		kind errs.Kind
	}{
		http.StatusForbidden:          {"no permission to change serviceaccount/shop", errs.Failed},
		http.StatusServiceUnavailable: {"reaching the cluster for serviceaccount/shop", errs.Temporary},
	} {
		s, c := newServer(t)
		s.Refuse = func(r kubetest.Request) int {
			if r.Method == http.MethodPatch {
				return code
			}
			return 0
		}
		_, err := c.Apply(t.Context(), pipeline("aa"))
		assert.ErrorContains(t, err, want.text)
		assert.Equal(t, want.kind, errs.KindOf(err), code)
	}
}

func TestAClusterWithoutArgoIsReported(t *testing.T) {
	s, c := newServer(t)
	s.Refuse = func(r kubetest.Request) int {
		if r.Method == http.MethodPatch && strings.Contains(r.Path, "argoproj.io") {
			return http.StatusNotFound
		}
		return 0
	}
	_, err := c.Apply(t.Context(), pipeline("aa"))
	assert.ErrorContains(t, err, "the cluster does not know WorkflowTemplate")
	assert.Contains(t, errs.HintOf(err), "Argo Workflows")
}

func TestAPipelineThatUpdatesItselfChangesNoPermissions(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	s.Forget()
	changes, err := c.Update(t.Context(), pipeline("bb"))
	require.NoError(t, err)

	assert.Equal(t, manifest.Created, actions(changes)["workflowtemplate/shop-bb"])
	assert.Equal(t, "shop-bb", s.Object(sensorPath).GetAnnotations()[manifest.AnnotationTemplate])
	for _, request := range s.Requests() {
		assert.NotContains(t, request, "serviceaccounts")
		assert.NotContains(t, request, "roles")
		assert.Regexp(t, `/namespaces/[a-z]+/[a-z]+/[a-z-]+( dry)?$`, request, "it requests objects by name only")
	}
}

func TestAnObjectThatAConfigurationNoLongerDeclaresIsRemovedByName(t *testing.T) {
	s, c := newServer(t)
	s.Put(argoPath+"cronworkflows/shop", kube.FieldManager, kubetest.Content{"metadata": kubetest.Content{}})
	unwanted := []manifest.Object{{Kind: "CronWorkflow", Namespace: "argo", Name: "shop"}, {Kind: "Service", Namespace: "events", Name: "none"}}
	changes, err := c.Remove(t.Context(), unwanted)
	require.NoError(t, err)
	assert.Equal(t, map[string]manifest.Action{"cronworkflow/shop": manifest.Removed}, actions(changes))
	assert.Empty(t, s.Has("cronworkflows"))
}
