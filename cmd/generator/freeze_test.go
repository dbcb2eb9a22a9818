package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

func TestAPersonOverridesTheGatesOfARunInProgressByARunOfItsOwn(t *testing.T) {
	p := newUser(t)
	artifacts, config := p.records(), file(t, installtest.Named("shop"))
	_, log, err := calls(t, "apply", "-c", config, "--yes")
	require.NoError(t, err, log)
	p.waits("shop-2", "approve-dev")
	commit, digest := strings.Repeat("c", 40), "sha256:"+strings.Repeat("d", 64)
	override := func(more ...string) (string, error) {
		out, _, err := calls(t, append([]string{"override", "dev", "-c", config, "--yes", "--gate", "windows,freezes", "--why", "the shop is down"}, more...)...)
		return out, err
	}
	_, err = override("--run", "shop-2")
	require.ErrorContains(t, err, "run shop-2 has not built its commit yet")
	for step, outputs := range map[string]map[string]string{
		"validate": {"config-digest": "sha256:c"}, "build": {"artifact": bucket.ArtifactKey(commit, digest), "digest": digest},
	} {
		data, err := json.Marshal(stage.Record{Workflow: "shop-2", Step: step, Status: stage.Done, Outputs: outputs})
		require.NoError(t, err)
		require.NoError(t, artifacts.Create(t.Context(), bucket.StepRecordKey("shop-2", step, 1), data))
	}
	_, err = override("--run", "shop-9")
	require.ErrorContains(t, err, `no run in progress is called "shop-9"`)
	_, err = override("--run", "shop-2", "--gate", "tests")
	require.ErrorContains(t, err, `"tests" is no gate that can be overridden`)
	out, err := override("--run", "cccccc")
	require.NoError(t, err)
	assert.Equal(t, "shop-"+commit[:32]+"-o1\n", out)

	values := map[string]any{}
	spec := p.Kube.Object("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/shop-" + commit[:32] + "-o1").Object["spec"].(kubetest.Content)
	for _, entry := range spec["arguments"].(kubetest.Content)["parameters"].([]any) {
		values[entry.(kubetest.Content)["name"].(string)] = entry.(kubetest.Content)["value"]
	}
	for name, want := range map[string]string{
		"commit-sha": commit, "pusher": kubetest.User, "purpose": "override", "only": "dev", "reason": "the shop is down", "target": "shop-2", "override": "windows freezes",
		"artifact": bucket.ArtifactKey(commit, digest), "config-digest": "sha256:c",
	} {
		assert.Equal(t, want, values[name], name)
	}
	_, _, err = calls(t, "override", "dev", "-c", config, "--run", "shop-2", "--gate", "windows")
	assert.Equal(t, errs.Invalid, errs.KindOf(err), "without a reason")
}

func TestAFreezeOfAPipelineInAClusterIsWrittenByWhoMayWriteItsBucket(t *testing.T) {
	p := newUser(t)
	artifacts, config := p.records(), file(t, installtest.Named("shop"))
	out, log, err := calls(t, "freeze", "dev", "-c", config, "--why", "an audit", "--json")
	require.NoError(t, err, log)
	assert.Contains(t, out, `"by": "arn:aws:`)
	stored, err := artifacts.Get(t.Context(), bucket.FreezeKey("dev"))
	require.NoError(t, err)
	assert.Contains(t, string(stored), `"why":"an audit"`)
	_, _, err = calls(t, "freeze", "dve", "-c", config, "--why", "an audit")
	require.ErrorContains(t, err, `no environment "dve"`)
	out, log, err = calls(t, "unfreeze", "dev", "-c", config)
	require.NoError(t, err, log)
	assert.Contains(t, out, "dev is not frozen any more: an audit")
}

func TestAPersonApprovesTheDeploymentOfARunInProgressByARunOfItsOwn(t *testing.T) {
	p := newUser(t)
	artifacts, config := p.records(), file(t, installtest.Named("shop"))
	_, log, err := calls(t, "apply", "-c", config, "--yes")
	require.NoError(t, err, log)
	p.runs("shop-2", "gate-dev", "Retry")
	commit, digest := strings.Repeat("c", 40), "sha256:"+strings.Repeat("d", 64)
	for step, outputs := range map[string]map[string]string{
		"validate": {"config-digest": "sha256:c"}, "build": {"artifact": bucket.ArtifactKey(commit, digest), "digest": digest},
	} {
		data, err := json.Marshal(stage.Record{Workflow: "shop-2", Step: step, Status: stage.Done, Outputs: outputs})
		require.NoError(t, err)
		require.NoError(t, artifacts.Create(t.Context(), bucket.StepRecordKey("shop-2", step, 1), data))
	}
	_, _, err = calls(t, "approve", "shop-2", "-e", "dev", "-c", config, "--yes")
	require.ErrorContains(t, err, "run shop-2 asks for no approval of environment dev")
	require.NoError(t, artifacts.Create(t.Context(), bucket.AskedKey("shop-2"), []byte(`{"commit":"`+commit+`","config":"","approvals":["dev"]}`)))
	out, _, err := calls(t, "status", "-c", config)
	require.NoError(t, err)
	assert.Contains(t, out, "waits for an approval: shop-2")

	_, _, err = calls(t, "reject", "shop-2", "-e", "dev", "-c", config, "--yes")
	require.ErrorContains(t, err, "a rejection requires a reason")
	_, _, err = calls(t, "approve", "shop-9", "-e", "dev", "-c", config, "--yes")
	require.ErrorContains(t, err, `no run in progress is called "shop-9"`)
	out, log, err = calls(t, "approve", "cccccc", "-e", "dev", "-c", config, "--yes", "--why", "ticket 4711")
	require.NoError(t, err)
	assert.Equal(t, "shop-"+commit[:32]+"-o1\n", out)
	assert.Contains(t, log, "approve the deployment of run shop-2 (commit "+commit+") to dev")
	values := map[string]any{}
	spec := p.Kube.Object("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/shop-" + commit[:32] + "-o1").Object["spec"].(kubetest.Content)
	for _, entry := range spec["arguments"].(kubetest.Content)["parameters"].([]any) {
		values[entry.(kubetest.Content)["name"].(string)] = entry.(kubetest.Content)["value"]
	}
	for name, want := range map[string]string{
		"commit-sha": commit, "pusher": kubetest.User, "purpose": "approve", "only": "dev", "reason": "ticket 4711", "target": "shop-2",
	} {
		assert.Equal(t, want, values[name], name)
	}
}
