package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/runs/history"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// records makes the artifact bucket of the pipeline shop.
func (p user) records() bucket.Bucket {
	p.t.Helper()
	client, name := bucket.NewClient(p.Admin(installtest.Home, installtest.Region), bucket.OwnedBy(installtest.Home)), "shop-artifacts"
	_, err := client.CreateBucket(p.t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: installtest.Region},
	})
	require.NoError(p.t, err)
	return bucket.OpenS3(client, name)
}

// deployment is a run that deployed to dev.
func deployment(run, commit, status string) record.Document {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return record.Document{Workflow: run, Status: status, Commit: commit, Pusher: "octocat", Ended: at, Steps: []stage.Record{{Workflow: run, Step: "deploy-dev", Status: stage.Done, Started: at, Ended: at}}}
}

func TestStatusHistoryAndShowReadTheBucketAndTheCluster(t *testing.T) {
	p := newUser(t)
	artifacts, config := p.records(), file(t, installtest.Named("shop"))
	for _, verb := range [][]string{{"status"}, {"history"}} {
		out, _, err := calls(t, append(verb, "-c", config, "--json")...)
		require.NoError(t, err, "before the first run")
		assert.Contains(t, out, "[")
	}
	require.NoError(t, record.Store(t.Context(), artifacts, deployment("shop-"+strings.Repeat("a", 32), strings.Repeat("a", 40), "Succeeded")))
	p.waits("shop-2", "approve-dev")

	out, log, err := calls(t, "status", "-c", config)
	require.NoError(t, err, log)
	inOrder(t, out, "ENVIRONMENT  COMMIT      SINCE             BY       RUN                                    NOW",
		"dev          aaaaaaaaaa  2026-01-01 …", "", "IN PROGRESS  COMMIT      CREATED  BY  WAITS FOR AN APPROVAL OF", "shop-2       cccccccccc               dev")
	assert.Contains(t, out, "waits for an approval: shop-2\n")
	out, _, err = calls(t, "status", "-c", config, "--json")
	require.NoError(t, err)
	var status history.Status
	require.NoError(t, json.Unmarshal([]byte(out), &status))
	assert.Equal(t, strings.Repeat("a", 40), status.Environments[0].Commit)
	assert.Equal(t, []string{"dev"}, status.Running[0].Waiting)

	out, _, err = calls(t, "show", "aaaaaaa", "-c", config)
	require.NoError(t, err)
	inOrder(t, out, "Run shop-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "  status     Succeeded", "STEP        STATUS  STARTED           TOOK  ERROR", "deploy-dev  done    …")
	_, _, err = calls(t, "show", "shop-9", "-c", config)
	require.ErrorContains(t, err, `there is no record of run "shop-9" in s3://shop-artifacts`)

	p.Kube.Put("/api/v1/namespaces/argo/pods/x", "argo", kubetest.Content{"kind": "Pod", "apiVersion": "v1", "metadata": kubetest.Content{
		"name": "x", "namespace": "argo", "labels": kubetest.Content{"workflows.argoproj.io/workflow": "shop-" + strings.Repeat("a", 32)},
		"annotations": kubetest.Content{"workflows.argoproj.io/node-name": "shop.deploy-dev(0)"},
	}, "status": kubetest.Content{"phase": "Succeeded"}})
	p.Kube.Texts["/api/v1/namespaces/argo/pods/x/log"] = "deployed\n"
	out, log, err = calls(t, "logs", "aaaaaaa", "-c", config, "--stage", "deploy-dev", "--follow")
	require.NoError(t, err)
	assert.Equal(t, "deployed\n==> deploy-dev (x)\n", out+log)
	_, _, err = calls(t, "logs", "shop-9", "-c", config)
	require.ErrorContains(t, err, `there are no logs of run "shop-9"`)

	p.Kube.Refuse = func(kubetest.Request) int { return http.StatusForbidden }
	out, log, err = calls(t, "status", "-c", config)
	require.NoError(t, err)
	assert.Contains(t, log, "runs in progress are not shown: listing the runs in progress: ")
	assert.Contains(t, out, "dev          aaaaaaaaaa  ")
	_, _, err = calls(t, "status", "-c", config, "--bucket", "other-artifacts")
	assert.ErrorContains(t, err, "other-artifacts")
	_, _, err = calls(t, "history", "-c", config, "--last", "0")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

// waits starts a run of the pipeline shop, which waits at a step.
func (p user) waits(run, step string) {
	p.t.Helper()
	p.runs(run, step, "Suspend")
}

// runs puts a run in progress into the cluster, whose step has a node of a kind.
func (p user) runs(run, step, kind string) {
	p.t.Helper()
	cfg, err := config.Load(file(p.t, installtest.Named("shop")))
	require.NoError(p.t, err)
	pipeline := plan.NamesOf(cfg, plan.PlaceOf(cfg, installtest.Home, installtest.Region, "aphex-config.yaml")).Pipeline
	p.Kube.Put("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/"+run, "argo", kubetest.Content{
		"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1",
		"metadata": kubetest.Content{"name": run, "namespace": "argo", "labels": kubetest.Content{"app.kubernetes.io/managed-by": "aphex-pipeline", "aphex.dev/pipeline": pipeline}},
		"spec":     kubetest.Content{"arguments": kubetest.Content{"parameters": []any{kubetest.Content{"name": "commit-sha", "value": strings.Repeat("c", 40)}}}},
		"status":   kubetest.Content{"nodes": kubetest.Content{"x": kubetest.Content{"displayName": step, "type": kind, "phase": "Running"}}},
	})
}

// TestTheStatusOfAThousandRunsTakesASecond reads one object, and not a thousand.
func TestTheStatusOfAThousandRunsTakesASecond(t *testing.T) {
	p := newUser(t)
	artifacts, config := p.records(), file(t, installtest.Named("shop"))
	index := record.Index{Runs: []record.Summary{}}
	for i := range 1000 {
		d := deployment(fmt.Sprintf("shop-%032x", i), fmt.Sprintf("%040x", i), "Failed")
		index.Runs = append(index.Runs, record.Summary{
			Run: d.Workflow, Commit: d.Commit, Status: d.Status, By: d.Pusher, Ended: d.Ended, Error: strings.Repeat("x", 500),
			Deployments: []record.Deployment{{Environment: "dev", Ended: d.Ended, Outcome: "failed"}, {Environment: "prod", Ended: d.Ended, Outcome: "succeeded"}},
			Took:        map[string]float64{"validate": 0.3, "build": 21.5, "pipeline": 3.1, "deploy-dev": 30.2, "test-dev": 6, "deploy-prod": 41, "test-prod": 6.1},
		})
	}
	data, err := json.Marshal(index)
	require.NoError(t, err)
	require.NoError(t, artifacts.Put(t.Context(), bucket.IndexKey(), data))
	began := time.Now()
	_, log, err := calls(t, "status", "-c", config)
	require.NoError(t, err, log)
	assert.Less(t, time.Since(began), 5*time.Second, "far more than it takes, for a busy machine")
	out, _, err := calls(t, "history", "-c", config, "-n", "1000")
	require.NoError(t, err)
	assert.Equal(t, 1001, strings.Count(out, "\n"))
}

func TestLocalRunsAreReadFromTheirStateFolder(t *testing.T) {
	_, _, err := calls(t, "status", "--state", t.TempDir())
	require.ErrorContains(t, err, "has no local runs")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))

	state := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(state, "place.json"), []byte(`{"Account":"111111111111","Region":"eu-west-1","Bucket":"shop-artifacts"}`), 0o600))
	_, _, err = calls(t, "status", "--state", state)
	require.ErrorContains(t, err, "they are in the bucket shop-artifacts if its runs deployed to real accounts")
	objects := filepath.Join(state, "aws", "s3", "shop-artifacts")
	require.NoError(t, record.Store(t.Context(), bucket.OpenDirectory(objects), deployment("shop-20260101-120000", strings.Repeat("a", 40), "Succeeded")))
	out, log, err := calls(t, "status", "--state", state)
	require.NoError(t, err)
	assert.Empty(t, log)
	assert.Contains(t, out, "dev          aaaaaaaaaa  ")
	out, _, err = calls(t, "show", "shop-20260101-120000", "--state", state, "--json")
	require.NoError(t, err)
	assert.Contains(t, out, `"workflow": "shop-20260101-120000"`)

	for _, c := range []struct{ of, want string }{{"shop-20260101-120000", "<h1>shop-20260101-120000 "}, {"", `<h2 id="keys">Four keys</h2>`}} {
		file := filepath.Join(t.TempDir(), "page.html")
		args := []string{"report", "--state", state, "-o", file}
		if c.of != "" {
			args = append(args, c.of)
		}
		out, _, err = calls(t, args...)
		require.NoError(t, err)
		assert.Equal(t, file+"\n", out)
		page, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Contains(t, string(page), c.want)
		assert.NotContains(t, string(page), `href="shop-20260101-120000.html"`, "there is no such file beside it")
	}
	out, _, err = calls(t, "report", "--state", state)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(out, "<!doctype html>"), "without a file, to stdout")
	_, _, err = calls(t, "report", "--state", state, "--json")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))

	logs := filepath.Join(state, "runs", "shop-20260101-120000", "logs")
	require.NoError(t, os.MkdirAll(logs, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(logs, "build.log"), []byte("compiled\n"), 0o600))
	out, log, err = calls(t, "logs", "aaaaaaa", "--state", state)
	require.NoError(t, err)
	assert.Equal(t, "compiled\n", out)
	assert.Equal(t, "==> build (shop-20260101-120000/logs/build.log)\n", log)
	out, log, err = calls(t, "logs", "aaaaaaa", "--state", state, "--json")
	require.NoError(t, err)
	assert.JSONEq(t, `{"step":"build","attempt":"shop-20260101-120000/logs/build.log","text":"compiled"}`, out)
	assert.Empty(t, log)
	_, _, err = calls(t, "logs", "aaaaaaa", "--state", state, "--follow")
	assert.ErrorContains(t, err, "--follow requires a run of a cluster")
}
