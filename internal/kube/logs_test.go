package kube_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

func TestThePodsOfARunAreThoseOfItsTasksWithTheirLogs(t *testing.T) {
	s, cluster := newServer(t)
	const pods, workflow = "/api/v1/namespaces/argo/pods/", "/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/shop-1"
	pod := func(name, run, node, created, phase string) {
		s.Put(pods+name, "argo", kubetest.Content{"kind": "Pod", "apiVersion": "v1", "metadata": kubetest.Content{
			"name": name, "namespace": "argo", "creationTimestamp": created, "labels": kubetest.Content{"workflows.argoproj.io/workflow": run},
			"annotations": kubetest.Content{"workflows.argoproj.io/node-name": node},
		}, "status": kubetest.Content{"phase": phase}})
	}
	pod("b", "shop-1", "shop-1.deploy-dev(0)", "2026-01-01T12:01:00Z", "Succeeded")
	pod("a", "shop-1", "shop-1.build(1)", "2026-01-01T12:00:00Z", "Failed")
	pod("c", "shop-1", "shop-1.onExit.record", "2026-01-01T12:02:00Z", "Pending")
	pod("d", "shop-2", "shop-2.build(0)", "2026-01-01T12:00:00Z", "Running")
	s.Texts[pods+"a/log"] = "no space left\n"
	labels := kubetest.Content{}
	s.Put(workflow, "argo", kubetest.Content{"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1", "metadata": kubetest.Content{"name": "shop-1", "namespace": "argo", "labels": labels}})

	found, ended, err := cluster.PodsOf(t.Context(), "shop-1", "argo")
	require.NoError(t, err)
	assert.False(t, ended)
	var tasks []string
	for _, p := range found {
		tasks = append(tasks, p.Task)
	}
	assert.Equal(t, []string{"build", "deploy-dev", "record"}, tasks)
	assert.True(t, found[2].Pending)

	log, err := cluster.Log(t.Context(), found[0], true)
	require.NoError(t, err)
	text, err := io.ReadAll(log)
	require.NoError(t, err)
	require.NoError(t, log.Close())
	assert.Equal(t, "no space left\n", string(text))

	_, ended, err = cluster.PodsOf(t.Context(), "shop-2", "argo")
	require.NoError(t, err)
	assert.True(t, ended, "a run that is no longer there has ended")
	s.Refuse = func(kubetest.Request) int { return http.StatusForbidden }
	_, _, err = cluster.PodsOf(t.Context(), "shop-1", "argo")
	require.ErrorContains(t, err, "no permission")
	_, err = cluster.Log(t.Context(), kube.RunPod{Namespace: "argo", Name: "a"}, false)
	assert.Error(t, err)
}
