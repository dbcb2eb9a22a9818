package kube_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

func TestARunInProgressSaysWhatItWaitsForAlsoIfArgoCompressedItsSteps(t *testing.T) {
	const nodes = `{"a":{"displayName":"approve-prod","type":"Suspend","phase":"Running"},"b":{"displayName":"approve-dev","type":"Suspend","phase":"Succeeded"},` +
		`"c":{"displayName":"deploy-dev","type":"Pod","phase":"Running"},"d":{"displayName":"approve-eu","type":"Suspend","phase":"Running"},"e":"damaged","f":{"displayName":"gate-prod","type":"Retry","phase":"Running"},"g":{"displayName":"gate-prod(0)","type":"Pod","phase":"Running"}}`
	pack := func(text string) string {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, err := w.Write([]byte(text))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return base64.StdEncoding.EncodeToString(packed.Bytes())
	}
	plain := kubetest.Content{}
	for _, node := range []string{"approve-prod", "approve-eu"} {
		plain[node] = kubetest.Content{"displayName": node, "type": "Suspend", "phase": "Running"}
	}
	for name, c := range map[string]struct {
		status kubetest.Content
		want   []string
		runs   []string
	}{
		"plain":        {kubetest.Content{"nodes": plain}, []string{"approve-eu", "approve-prod"}, nil},
		"compressed":   {kubetest.Content{"compressedNodes": pack(nodes)}, []string{"approve-eu", "approve-prod"}, []string{"gate-prod"}},
		"not started":  {kubetest.Content{}, nil, nil},
		"damaged":      {kubetest.Content{"compressedNodes": "AAAA"}, nil, nil},
		"damaged text": {kubetest.Content{"compressedNodes": "!"}, nil, nil},
		"a bomb":       {kubetest.Content{"compressedNodes": pack(`{"a":"` + strings.Repeat("x", 33<<20) + `"}`)}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, cluster := newServer(t)
			s.Put("/apis/argoproj.io/v1alpha1/namespaces/argo/workflows/shop-1", "argo", kubetest.Content{
				"kind": "Workflow", "apiVersion": "argoproj.io/v1alpha1", "metadata": kubetest.Content{
					"name": "shop-1", "namespace": "argo", "creationTimestamp": "2026-01-01T12:00:00Z",
					"labels": kubetest.Content{"app.kubernetes.io/managed-by": "aphex-pipeline", "aphex.dev/pipeline": "shop"},
				},
				"spec":   kubetest.Content{"arguments": kubetest.Content{"parameters": []any{kubetest.Content{"name": "commit-sha", "value": "abc"}}}},
				"status": c.status,
			})
			runs, err := cluster.InProgress(t.Context(), "shop", "argo")
			require.NoError(t, err)
			require.Len(t, runs, 1)
			assert.Equal(t, c.want, runs[0].Waiting)
			assert.Equal(t, c.runs, runs[0].Running)
			assert.Equal(t, map[string]string{"commit-sha": "abc"}, runs[0].Parameters)
			assert.Equal(t, 2026, runs[0].Created.Year())
		})
	}
}
