// Package kubeconfig connects to a cluster as kubectl does. It is separate from
// package kube to keep it out of the images.
package kubeconfig

import (
	"k8s.io/client-go/tools/clientcmd"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
)

// Connect connects with the given file, else $KUBECONFIG, else ~/.kube/config, and
// the given context or the current one. It returns the address of the cluster too.
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
