package kube_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

func TestPreflightLooksForWhatThePodsName(t *testing.T) {
	s, c := newServer(t)
	ready(s, "v3.7.18", "v1.9.10")
	wanted := usual
	wanted.Needs = []kube.Need{
		{Kind: "PriorityClass", Name: "high", Setting: "pods.priorityClassName"},
		{Kind: "StorageClass", Name: "gp3", Setting: "workspaceVolume.storageClassName"},
		{Kind: "Secret", Namespace: "argo", Name: "registry", Setting: "pods.imagePullSecrets"},
		{Kind: "ConfigMap", Namespace: "argo", Name: "trusted", Key: "ca.pem", Setting: "caBundle"},
	}
	failed := func() (all []string) {
		for _, check := range c.Preflight(t.Context(), wanted) {
			if check.Failed() {
				all = append(all, check.What)
			}
		}
		return all
	}
	const absent = "it does not exist"
	assert.Equal(t, map[string]string{
		"PriorityClass high (pods.priorityClassName)": absent, "StorageClass gp3 (workspaceVolume.storageClassName)": absent,
		"Secret registry in namespace argo (pods.imagePullSecrets)": absent, "ConfigMap trusted in namespace argo (caBundle)": absent,
	}, problems(c.Preflight(t.Context(), wanted)))
	assert.Len(t, failed(), 3, "an image may be pulled without a secret")

	s.Put("/apis/scheduling.k8s.io/v1/priorityclasses/high", "kubectl", kubetest.Content{"kind": "PriorityClass", "metadata": kubetest.Content{"name": "high"}})
	s.Put("/apis/storage.k8s.io/v1/storageclasses/gp3", "kubectl", kubetest.Content{"kind": "StorageClass", "metadata": kubetest.Content{"name": "gp3"}})
	s.Put("/api/v1/namespaces/argo/secrets/registry", "kubectl", kubetest.Content{"kind": "Secret", "metadata": kubetest.Content{"name": "registry", "namespace": "argo"}})
	put := func(key string) {
		s.Put("/api/v1/namespaces/argo/configmaps/trusted", "kubectl", kubetest.Content{
			"kind": "ConfigMap", "metadata": kubetest.Content{"name": "trusted", "namespace": "argo"}, "data": kubetest.Content{key: "x"},
		})
	}
	put("other")
	assert.Equal(t, map[string]string{"ConfigMap trusted in namespace argo (caBundle)": "it has no key ca.pem"}, problems(c.Preflight(t.Context(), wanted)))
	put("ca.pem")
	assert.Empty(t, problems(c.Preflight(t.Context(), wanted)))

	s.Refuse = func(r kubetest.Request) int {
		if strings.Contains(r.Path, "classes/") {
			return http.StatusForbidden
		}
		return 0
	}
	assert.Empty(t, failed(), "who may not read a class of the cluster is warned")
}
