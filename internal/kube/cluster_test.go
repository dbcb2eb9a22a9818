package kube_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

// newServer returns an API server and a cluster that asks it.
func newServer(t *testing.T) (*kubetest.Server, kube.Cluster) {
	t.Helper()
	s := kubetest.New(t)
	cluster, err := kube.Connect(&rest.Config{Host: s.URL})
	require.NoError(t, err)
	cluster.Client, err = dynamic.NewForConfig(&rest.Config{Host: s.URL, QPS: 1000, Burst: 1000})
	require.NoError(t, err)
	cluster.Patience = 2 * time.Second
	return s, cluster
}
