package kube_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// labelled returns an object with the label of a pipeline, made by another manager.
func labelled(kind, namespace, name, pipeline string) kubetest.Content {
	return kubetest.Content{"kind": kind, "apiVersion": "v1", "metadata": kubetest.Content{
		"name": name, "namespace": namespace,
		"labels": kubetest.Content{manifest.LabelManagedBy: manifest.ManagedBy, manifest.LabelPipeline: pipeline},
	}}
}

func TestRenamingLeavesNothingBehind(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	var renamed []manifest.Object
	for _, o := range pipeline("aa") {
		o.YAML = []byte(strings.ReplaceAll(strings.ReplaceAll(string(o.YAML), "name: shop", "name: market"), "namespace: events", "namespace: events2"))
		renamed = append(renamed, o)
	}
	changes, err := c.Apply(t.Context(), renamed)
	require.NoError(t, err)
	assert.Equal(t, manifest.Removed, actions(changes)["sensor/shop-sensor"])
	for resource, want := range map[string]string{
		"sensors": "market-sensor", "eventsources": "market-github", "services": "market-svc",
		"workflowtemplates": "market-aa", "serviceaccounts": "market", "roles": "market",
	} {
		assert.Equal(t, []string{want}, s.Has(resource))
	}
}

// TestWhatAControllerMadeForThePipelineIsTheControllers has the Deployment of an EventSource,
// whose labels Argo Events copies. Without it, nothing receives pushes until there is another one.
func TestWhatAControllerMadeForThePipelineIsTheControllers(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	for name, controls := range map[string]bool{"of-argo-events": true, "left-behind": false} {
		made := labelled("Deployment", "events", name, "shop-1")
		made["apiVersion"] = "apps/v1"
		made["metadata"].(kubetest.Content)["ownerReferences"] = []any{kubetest.Content{
			"apiVersion": "argoproj.io/v1alpha1", "kind": "EventSource", "name": "shop-github", "uid": "1", "controller": controls,
		}}
		s.Put("/apis/apps/v1/namespaces/events/deployments/"+name, "controller-manager", made)
	}
	_, err = c.Apply(t.Context(), pipeline("bb"))
	require.NoError(t, err)
	assert.Equal(t, []string{"of-argo-events"}, s.Has("deployments"))
}

func TestAVersionThatARunStillNeedsStays(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	run := labelled("Workflow", "argo", "shop-run", "shop-1")
	run["spec"] = kubetest.Content{"workflowTemplateRef": kubetest.Content{"name": "shop-aa"}}
	s.Put(argoPath+"workflows/shop-run", "sensor", run)
	_, err = c.Apply(t.Context(), pipeline("bb"))
	require.NoError(t, err)
	assert.Equal(t, []string{"shop-aa", "shop-bb"}, s.Has("workflowtemplates"))

	run["metadata"].(kubetest.Content)["labels"].(kubetest.Content)["workflows.argoproj.io/completed"] = "true"
	s.Put(argoPath+"workflows/shop-run", "sensor", run)
	_, err = c.Apply(t.Context(), pipeline("bb"))
	require.NoError(t, err)
	assert.Equal(t, []string{"shop-bb"}, s.Has("workflowtemplates"))
}

func TestTheSecretOfTheWebhookStaysAndAnOldOneGoes(t *testing.T) {
	s, c := newServer(t)
	s.Put("/api/v1/namespaces/events/secrets/shop-webhook", "generator", labelled("Secret", "events", "shop-webhook", "shop-1"))
	s.Put("/api/v1/namespaces/events/secrets/old-webhook", "generator", labelled("Secret", "events", "old-webhook", "shop-1"))
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Equal(t, []string{"shop-webhook"}, s.Has("secrets"))
}

func TestDeleteRemovesThisPipelineAndNothingElse(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	s.Put(eventsPath+"sensors/other", "aphex-pipeline", labelled("Sensor", "events", "other", "other-2"))
	s.Put(eventsPath+"sensors/mine", "kubectl", kubetest.Content{"metadata": kubetest.Content{"name": "mine", "namespace": "events"}})
	s.Put("/api/v1/namespaces/events/secrets/shop-webhook", "generator", labelled("Secret", "events", "shop-webhook", "shop-1"))

	changes, err := c.Delete(t.Context(), "shop-1", "argo", "events")
	require.NoError(t, err)
	assert.Equal(t, []string{"mine", "other"}, s.Has("sensors"))
	assert.Len(t, s.Paths(), 2)
	assert.Equal(t, "sensor/shop-sensor", changes[0].Object, "what starts runs is removed first")

	changes, err = c.Delete(t.Context(), "shop-1", "argo", "events")
	require.NoError(t, err)
	assert.Empty(t, changes)
}

func TestDeleteRemovesFinishedRunsAndKeepsARunInProgress(t *testing.T) {
	s, c := newServer(t)
	for name, completed := range map[string]string{"over": "true", "under-way": "false"} {
		run := labelled("Workflow", "argo", name, "shop-1")
		run["apiVersion"] = "argoproj.io/v1alpha1"
		run["metadata"].(kubetest.Content)["labels"].(kubetest.Content)["workflows.argoproj.io/completed"] = completed
		s.Put(argoPath+"workflows/"+name, "argo", run)
	}
	_, err := c.Delete(t.Context(), "shop-1", "argo")
	require.NoError(t, err)
	assert.Equal(t, []string{"under-way"}, s.Has("workflows"))
}

func TestWithoutPermissionToListAllNamespacesTheGivenOnesAreSearched(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	s.Refuse = func(r kubetest.Request) int {
		if r.Method == http.MethodGet && !strings.Contains(r.Path, "/namespaces/") {
			return http.StatusForbidden
		}
		return 0
	}
	_, err = c.Delete(t.Context(), "shop-1", "argo", "events", "argo")
	require.NoError(t, err)
	assert.Empty(t, s.Paths())
}
