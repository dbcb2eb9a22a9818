package kube

import (
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/aphex/aphex-pipeline/internal/fault"
)

// InCluster connects to the cluster that this process's pod runs in, as its
// service account.
func InCluster() (Cluster, error) {
	place, err := rest.InClusterConfig()
	if err != nil {
		return Cluster{}, fault.Invalidf("finding the cluster: %w", err).
			WithHint("outside of a cluster, --objects names a folder that gets the objects")
	}
	client, err := dynamic.NewForConfig(place)
	if err != nil {
		return Cluster{}, fault.Invalidf("connecting to the cluster: %w", err)
	}
	return Cluster{Client: client}, nil
}
