// Package kubeconfig connects to a cluster as kubectl does. It is apart from
// package kube so that what runs in a pod does not carry it.
package kubeconfig

import (
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
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
		return kube.Cluster{}, "", errs.Invalidf("finding the cluster: %w", err).
			WithHint("aws eks update-kubeconfig --name CLUSTER writes ~/.kube/config; --kubeconfig and --context choose another")
	}
	c, err = kube.Connect(place)
	return c, place.Host, err
}
