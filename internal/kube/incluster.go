package kube

import (
	"context"
	"io"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Requests per second, and in a burst: a pipeline has some forty objects, and each is
// compared, tried and applied, so that an installation makes 300 requests. A lower limit
// only makes people wait: API servers share their capacity by priority and fairness.
const (
	perSecond = 100
	atOnce    = 400
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
