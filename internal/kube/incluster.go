package kube

import (
	"context"
	"io"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Requests per second, and in a burst: a pipeline has some twenty objects, and each is
// read, tried and applied. client-go's defaults of 5 and 10 predate the priority and
// fairness of API servers.
const (
	perSecond = 50
	atOnce    = 100
)

// InCluster connects to the cluster that this process's pod runs in, as its
// service account.
func InCluster() (Cluster, error) {
	place, err := rest.InClusterConfig()
	if err != nil {
		return Cluster{}, errs.Invalidf("finding the cluster: %w", err).
			WithHint("outside a cluster, set --objects to a folder for the objects")
	}
	return Connect(place)
}

// Connect connects to a cluster. It makes no request.
func Connect(place *rest.Config) (Cluster, error) {
	limited := rest.CopyConfig(place)
	limited.QPS, limited.Burst = perSecond, atOnce
	client, err := dynamic.NewForConfig(limited)
	if err != nil {
		return Cluster{}, errs.Invalidf("connecting to the cluster: %w", err)
	}
	raw, err := discovery.NewDiscoveryClientForConfig(limited)
	if err != nil {
		return Cluster{}, errs.Invalidf("connecting to the cluster: %w", err)
	}
	return Cluster{Client: client, Raw: func(ctx context.Context, path string) ([]byte, error) {
		return raw.RESTClient().Get().RequestURI(path).DoRaw(ctx)
	}, Stream: func(ctx context.Context, path string) (io.ReadCloser, error) {
		return raw.RESTClient().Get().RequestURI(path).Stream(ctx)
	}}, nil
}
