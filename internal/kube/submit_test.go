package kube_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

func TestAMissedPushStartsTheRunThatTheSensorWouldStart(t *testing.T) {
	s, c := newServer(t)
	objects := renderedFrom(t, shopConfiguration)
	_, err := c.Apply(t.Context(), objects)
	require.NoError(t, err)
	commit := strings.Repeat("0123456789", 4)
	missed := kube.Submission{
		Namespace: "argo-events", Sensor: "shop-sensor", Trigger: argo.PushTrigger, Suffix: commit,
		Parameters: map[string]string{"commit-sha": commit, "pusher": "somebody"},
	}
	run, started, err := c.Submit(t.Context(), missed)
	require.NoError(t, err)
	assert.True(t, started)
	assert.Equal(t, "aphex-pipeline-"+commit, run)

	workflow := s.Object("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/" + run)
	values := map[string]any{}
	for _, entry := range workflow.Object["spec"].(kubetest.Content)["arguments"].(kubetest.Content)["parameters"].([]any) {
		values[entry.(kubetest.Content)["name"].(string)] = entry.(kubetest.Content)["value"]
	}
	assert.Equal(t, map[string]any{
		"commit-sha": commit, "branch": "main", "repo-url": "https://github.com/my-org/shop.git", "repo-name": "my-org/shop", "pusher": "somebody",
	}, values)

	assert.Equal(t, "Deploy my-org/shop, main at "+commit, workflow.GetAnnotations()["workflows.argoproj.io/title"])

	_, started, err = c.Submit(t.Context(), missed)
	require.NoError(t, err)
	assert.False(t, started, "one commit has one run")
}

func TestASensorThatIsMissingIsNamed(t *testing.T) {
	_, c := newServer(t)
	_, _, err := c.Submit(t.Context(), kube.Submission{Namespace: "argo-events", Sensor: "shop-sensor", Trigger: "push"})
	require.ErrorContains(t, err, `there is no sensor/shop-sensor in namespace "argo-events"`)
	assert.Equal(t, fault.Invalid, fault.KindOf(err))

	_, err = c.Apply(t.Context(), renderedFrom(t, shopConfiguration))
	require.NoError(t, err)
	_, _, err = c.Submit(t.Context(), kube.Submission{Namespace: "argo-events", Sensor: "shop-sensor", Trigger: "gone"})
	assert.ErrorContains(t, err, `no trigger "gone"`)
}
