package main

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/runs/steer"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// deploys stores that a run deployed a commit to dev, with its artifact.
func deploys(t *testing.T, b bucket.Bucket, run, commit string, at time.Time, status string) {
	t.Helper()
	digest := "sha256:" + strings.Repeat("d", 64)
	d := deployment(run, commit, status)
	d.Ended, d.Built = at, &record.Built{Artifact: bucket.ArtifactKey(commit, digest), Digest: digest, ConfigDigest: "sha256:c"}
	d.Steps = append(d.Steps, stage.Record{Step: "pipeline", Status: stage.Done}, stage.Record{Step: "test-dev", Status: map[bool]string{true: stage.Done, false: "failed"}[status == "Succeeded"]})
	require.NoError(t, record.Store(t.Context(), b, d))
	require.NoError(t, b.Create(t.Context(), bucket.ArtifactKey(commit, digest), []byte("workspace")))
	data, err := json.Marshal(stage.Deployed{Commit: commit, Run: run})
	require.NoError(t, err)
	require.NoError(t, b.Update(t.Context(), bucket.ReachedKey("dev"), func([]byte) ([]byte, error) { return data, nil }))
}

func TestAPersonStartsRunsOfTheInstalledPipeline(t *testing.T) {
	p := newUser(t)
	artifacts, config := p.records(), file(t, installtest.Named("shop"))
	_, log, err := calls(t, "apply", "-c", config, "--yes")
	require.NoError(t, err, log)
	first, second, noon := strings.Repeat("a", 40), strings.Repeat("b", 40), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	deploys(t, artifacts, "shop-"+first[:32], first, noon, "Succeeded")
	deploys(t, artifacts, "shop-"+second[:32], second, noon.Add(time.Hour), "Failed")

	_, log, err = calls(t, "rollback", "dev", "-c", config)
	require.ErrorContains(t, err, "stdin is not a terminal")
	assert.Contains(t, log, "rollback of dev: from commit "+second+" to "+first+", of run shop-"+first[:32]+"\n")
	out, log, err := calls(t, "rollback", "dev", "-c", config, "--yes", "--reason", "checkout fails", "--json")
	require.NoError(t, err, log)
	var started steer.Begun
	require.NoError(t, json.Unmarshal([]byte(out), &started))
	assert.Equal(t, steer.Begun{
		Run: "shop-" + first[:32] + "-b1", Purpose: "rollback", Commit: first, Environments: []string{"dev"}, Has: second, Because: "shop-" + first[:32],
		By: kubetest.User, Reason: "checkout fails",
	}, started)

	run := p.Kube.Object("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/" + started.Run)
	require.NotNil(t, run)
	spec := run.Object["spec"].(kubetest.Content)
	assert.Equal(t, "resume", spec["entrypoint"])
	values := map[string]any{}
	for _, entry := range spec["arguments"].(kubetest.Content)["parameters"].([]any) {
		values[entry.(kubetest.Content)["name"].(string)] = entry.(kubetest.Content)["value"]
	}
	for name, want := range map[string]string{
		"commit-sha": first, "pusher": kubetest.User, "purpose": "rollback", "only": "dev", "reason": "checkout fails",
		"artifact": bucket.ArtifactKey(first, "sha256:"+strings.Repeat("d", 64)), "config-digest": "sha256:c",
	} {
		assert.Equal(t, want, values[name], name)
	}
	assert.Contains(t, run.GetAnnotations()["workflows.argoproj.io/title"], first+", rollback of dev")

	out, log, err = calls(t, "rollback", "dev", "-c", config, "--yes")
	require.NoError(t, err)
	assert.Equal(t, "shop-"+first[:32]+"-b2\n", out, "the name of the run in progress is taken")
	assert.Contains(t, log, "generator logs shop-"+first[:32]+"-b2 --follow")
	out, _, err = calls(t, "retry", second[:8], "-c", config, "--yes")
	require.NoError(t, err)
	assert.Equal(t, "shop-"+second[:32]+"-r1\n", out)
	out, _, err = calls(t, "redeploy", "dev", "-c", config, "--yes")
	require.NoError(t, err)
	assert.Equal(t, "shop-"+second[:32]+"-r2\n", out)

	third := strings.Repeat("c", 40)
	out, _, err = calls(t, "start", "--commit", third, "-c", config, "--yes")
	require.NoError(t, err)
	assert.Equal(t, "shop-"+third[:32]+"\n", out)
	_, _, err = calls(t, "start", "--commit", third, "-c", config, "--yes")
	require.ErrorContains(t, err, "commit "+third+" has its run: shop-"+third[:32])
	_, _, err = calls(t, "start", "--commit", "cccccc", "-c", config)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestAWatchedRunThatFailsIsAnError(t *testing.T) {
	artifacts := buckettest.New(nil)
	for run, status := range map[string]string{"shop-1": "Succeeded", "shop-2": "Failed"} {
		d := deployment(run, strings.Repeat("a", 40), status)
		d.Error, d.Hint = "deploy-dev: stack Api failed", "look there"
		require.NoError(t, record.Store(t.Context(), artifacts, d))
	}
	require.NoError(t, steer.Await(t.Context(), artifacts, "shop-1"))
	err := steer.Await(t.Context(), artifacts, "shop-2")
	require.ErrorContains(t, err, "ended: Failed: deploy-dev: stack Api failed")
	assert.Equal(t, "look there", errs.HintOf(err))
}

func TestAWatchedRunIsWaitedForUntilItHasARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		artifacts, ended := buckettest.New(nil), make(chan error)
		go func() { ended <- steer.Await(t.Context(), artifacts, "shop-1") }()
		time.Sleep(time.Hour)
		select {
		case err := <-ended:
			t.Error("it has not ended", err)
		default:
		}
		require.NoError(t, record.Store(t.Context(), artifacts, deployment("shop-1", strings.Repeat("a", 40), "Succeeded")))
		require.NoError(t, <-ended)
	})
}
