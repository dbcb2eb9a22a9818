// Package kubeconfig connects to a cluster as kubectl does. It is apart from
// package kube so that what runs in a pod does not carry it.
package kubeconfig

import (
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/kube"
)

// Requests that the client may make in a second, and at once: a pipeline has
// some twenty objects, and each is asked for, tried and applied.
const (
	perSecond = 50
	atOnce    = 100
)

// Connect connects by the file that is named, else by $KUBECONFIG, else by
// ~/.kube/config, with the context that is named or the current one. It gives
// the address of the cluster too.
func Connect(file, context string) (c kube.Cluster, address string, err error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = file
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: context})
	place, err := loader.ClientConfig()
	if err != nil {
		return kube.Cluster{}, "", fault.Invalidf("finding the cluster: %w", err).
			WithHint("aws eks update-kubeconfig --name CLUSTER writes ~/.kube/config; --kubeconfig and --context choose another")
	}
	place.QPS, place.Burst = perSecond, atOnce
	client, err := dynamic.NewForConfig(place)
	if err != nil {
		return kube.Cluster{}, "", fault.Invalidf("connecting to the cluster: %w", err)
	}
	return kube.Cluster{Client: client}, place.Host, nil
}
