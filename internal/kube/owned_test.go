package kube_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/manifest"
)

// labelled is an object of a pipeline, as something else has made it.
func labelled(kind, namespace, name, pipeline string) content {
	return content{"kind": kind, "apiVersion": "v1", "metadata": content{
		"name": name, "namespace": namespace,
		"labels": content{manifest.LabelManagedBy: manifest.ManagedBy, manifest.LabelPipeline: pipeline},
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
		assert.Equal(t, []string{want}, s.has(resource))
	}
}

func TestAVersionThatARunStillNeedsStays(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	run := labelled("Workflow", "argo", "shop-run", "shop-1")
	run["spec"] = content{"workflowTemplateRef": content{"name": "shop-aa"}}
	s.put(argoPath+"workflows/shop-run", "sensor", run)
	_, err = c.Apply(t.Context(), pipeline("bb"))
	require.NoError(t, err)
	assert.Equal(t, []string{"shop-aa", "shop-bb"}, s.has("workflowtemplates"))

	run["metadata"].(content)["labels"].(content)["workflows.argoproj.io/completed"] = "true"
	s.put(argoPath+"workflows/shop-run", "sensor", run)
	_, err = c.Apply(t.Context(), pipeline("bb"))
	require.NoError(t, err)
	assert.Equal(t, []string{"shop-bb"}, s.has("workflowtemplates"))
}

func TestTheSecretOfTheWebhookStaysAndAnOldOneGoes(t *testing.T) {
	s, c := newServer(t)
	s.put("/api/v1/namespaces/events/secrets/shop-webhook", "generator", labelled("Secret", "events", "shop-webhook", "shop-1"))
	s.put("/api/v1/namespaces/events/secrets/old-webhook", "generator", labelled("Secret", "events", "old-webhook", "shop-1"))
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Equal(t, []string{"shop-webhook"}, s.has("secrets"))
}

func TestDeleteRemovesThisPipelineAndNothingElse(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	s.put(eventsPath+"sensors/other", "aphex-pipeline", labelled("Sensor", "events", "other", "other-2"))
	s.put(eventsPath+"sensors/mine", "kubectl", content{"metadata": content{"name": "mine", "namespace": "events"}})
	s.put("/api/v1/namespaces/events/secrets/shop-webhook", "generator", labelled("Secret", "events", "shop-webhook", "shop-1"))

	changes, err := c.Delete(t.Context(), "shop-1", "argo", "events")
	require.NoError(t, err)
	assert.Equal(t, []string{"mine", "other"}, s.has("sensors"))
	assert.Len(t, s.objects, 2)
	assert.Equal(t, "sensor/shop-sensor", changes[0].Object, "first what starts runs")

	changes, err = c.Delete(t.Context(), "shop-1", "argo", "events")
	require.NoError(t, err)
	assert.Empty(t, changes)
}

func TestWithoutTheRightToLookEverywhereTheNamespacesAreLookedAt(t *testing.T) {
	s, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	s.refuse = func(method, path string, _ bool) int {
		if method == http.MethodGet && !strings.Contains(path, "/namespaces/") {
			return http.StatusForbidden
		}
		return 0
	}
	_, err = c.Delete(t.Context(), "shop-1", "argo", "events", "argo")
	require.NoError(t, err)
	assert.Empty(t, s.objects)
}
