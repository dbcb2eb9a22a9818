package kube_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

func texts(differences []kube.Difference) map[string]string {
	texts := map[string]string{}
	for _, d := range differences {
		texts[string(d.Action)+" "+d.Object] = string(d.Text)
	}
	return texts
}

func TestADiffReturnsWhatWouldChangeAndChangesNothing(t *testing.T) {
	s, c := newServer(t)
	differences, err := c.Diff(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Len(t, differences, 6)
	assert.Contains(t, texts(differences)["created serviceaccount/shop"], "+kind: ServiceAccount")
	assert.Empty(t, s.Paths())

	_, err = c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	differences, err = c.Diff(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Empty(t, differences)

	changed := pipeline("aa")
	changed[3].YAML = []byte(strings.Replace(string(changed[3].YAML), "NodePort", "ClusterIP", 1))
	differences, err = c.Diff(t.Context(), changed)
	require.NoError(t, err)
	require.Len(t, differences, 1)
	text := texts(differences)["changed service/shop-svc"]
	assert.Contains(t, text, "-  type: NodePort\n+  type: ClusterIP\n")
	assert.Contains(t, text, "--- live/events/service/shop-svc")
	assert.NotContains(t, text, "resourceVersion")
}

func TestANewVersionOfTheTemplateIsComparedWithTheOneInUse(t *testing.T) {
	_, c := newServer(t)
	_, err := c.Apply(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	differences, err := c.Diff(t.Context(), pipeline("bb"))
	require.NoError(t, err)
	text := texts(differences)["created workflowtemplate/shop-bb"]
	assert.Contains(t, text, "-  name: shop-aa\n+  name: shop-bb\n")
	assert.NotContains(t, text, "+kind: WorkflowTemplate")
}

func TestADiffReturnsWhatWouldBeRemoved(t *testing.T) {
	s, c := newServer(t)
	s.Put(eventsPath+"sensors/old", "aphex-pipeline", labelled("Sensor", "events", "old", "shop-1"))
	differences, err := c.Diff(t.Context(), pipeline("aa"))
	require.NoError(t, err)
	assert.Contains(t, texts(differences)["removed sensor/old"], "-kind: Sensor")
	assert.Equal(t, manifest.Removed, differences[len(differences)-1].Action)
}

func TestADiffDoesNotLookIntoAnotherPipelinesObject(t *testing.T) {
	s, c := newServer(t)
	s.Put(sensorPath, "aphex-pipeline", labelled("Sensor", "events", "shop-sensor", "other-2"))
	_, err := c.Diff(t.Context(), pipeline("aa"))
	assert.ErrorContains(t, err, `belongs to the pipeline "other-2"`)
}
