package argo_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

func imageBuilder(t *testing.T, settings string, b argo.ImageBuilder) (objects map[string]manifest.Object, names plan.Names) {
	t.Helper()
	cfg, err := config.Parse(config.File, []byte(settings+`version: "1.0"
githubOwner: my-org
githubRepo: shop
clusterName: company
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api, path: lib}]}
`))
	require.NoError(t, err)
	place := plan.PlaceOf(cfg, "", "", config.File)
	rendered, err := argo.ImageBuilderObjects(cfg, place, b)
	require.NoError(t, err)
	objects = map[string]manifest.Object{}
	for _, object := range rendered {
		objects[object.Kind] = object
	}
	return objects, plan.NamesOf(cfg, place)
}

func deploymentOf(t *testing.T, objects map[string]manifest.Object) appsv1.Deployment {
	t.Helper()
	var deployment appsv1.Deployment
	require.NoError(t, yaml.Unmarshal(objects["Deployment"].YAML, &deployment))
	return deployment
}

func TestTheImageBuilderRunsWithoutRootInANamespaceOfItsOwn(t *testing.T) {
	t.Parallel()
	objects, names := imageBuilder(t, "", argo.ImageBuilder{Image: "buildkit:rootless"})
	var namespace corev1.Namespace
	require.NoError(t, yaml.Unmarshal(objects["Namespace"].YAML, &namespace))
	assert.Equal(t, names.ImageBuilder, namespace.Name)
	assert.Equal(t, "privileged", namespace.Labels["pod-security.kubernetes.io/enforce"])
	for kind, object := range objects {
		if kind != "Namespace" {
			assert.Equal(t, names.ImageBuilder, object.Namespace, kind)
		}
	}
	pod := deploymentOf(t, objects).Spec.Template.Spec
	require.Len(t, pod.Containers, 1)
	assert.Equal(t, "buildkit:rootless", pod.Containers[0].Image)
	assert.True(t, *pod.SecurityContext.RunAsNonRoot)
	assert.False(t, *pod.Containers[0].SecurityContext.Privileged)
	assert.False(t, *pod.AutomountServiceAccountToken)
	for _, volume := range pod.Volumes {
		assert.Nil(t, volume.HostPath)
	}
	assert.NotContains(t, string(objects["ConfigMap"].YAML), "insecure-entitlements")
	assert.Contains(t, string(objects["ConfigMap"].YAML), `allowedRepositories = ["docker.io/docker/dockerfile"]`)
}

func TestOnlyThePodsOfTheRunsOfThePipelineReachItsImageBuilder(t *testing.T) {
	t.Parallel()
	objects, names := imageBuilder(t, "argoNamespace: runs\n", argo.ImageBuilder{})
	var policy networkingv1.NetworkPolicy
	require.NoError(t, yaml.Unmarshal(objects["NetworkPolicy"].YAML, &policy))
	deployment := deploymentOf(t, objects)
	for label, value := range policy.Spec.PodSelector.MatchLabels {
		assert.Equal(t, value, deployment.Spec.Template.Labels[label], label)
	}
	require.Len(t, policy.Spec.Ingress, 1)
	require.Len(t, policy.Spec.Ingress[0].From, 1)
	from := policy.Spec.Ingress[0].From[0]
	assert.Equal(t, map[string]string{"kubernetes.io/metadata.name": "runs"}, from.NamespaceSelector.MatchLabels)
	assert.Equal(t, map[string]string{manifest.LabelPipeline: names.Pipeline, manifest.LabelComponent: "workflow"}, from.PodSelector.MatchLabels)
	assert.Equal(t, int32(1234), policy.Spec.Ingress[0].Ports[0].Port.IntVal)
	assert.Contains(t, string(objects["NetworkPolicy"].YAML), "169.254.169.254/32")
	var service corev1.Service
	require.NoError(t, yaml.Unmarshal(objects["Service"].YAML, &service))
	assert.True(t, strings.HasPrefix(names.ImageBuilderHost(), service.Name+"."+service.Namespace+"."))
	for label, value := range service.Spec.Selector {
		assert.Equal(t, value, deployment.Spec.Template.Labels[label], label)
	}
}

func TestAnImageBuilderWithOtherCertificatesIsAnotherPod(t *testing.T) {
	t.Parallel()
	first, _ := imageBuilder(t, "", argo.ImageBuilder{Certificates: "sha256:aa"})
	second, _ := imageBuilder(t, "", argo.ImageBuilder{Certificates: "sha256:bb"})
	assert.NotEqual(t, deploymentOf(t, first).Spec.Template.Annotations, deploymentOf(t, second).Spec.Template.Annotations)
}

func TestTheImageBuilderIsPlacedAsPodsAreAndPullsThroughTheProxy(t *testing.T) {
	t.Parallel()
	objects, _ := imageBuilder(t, "pods: {nodeSelector: {pool: builds}, tolerations: [{key: builds, operator: Exists}]}\nproxy: {https: \"http://proxy.example.com:3128\"}\n", argo.ImageBuilder{})
	pod := deploymentOf(t, objects).Spec.Template.Spec
	assert.Equal(t, map[string]string{"pool": "builds"}, pod.NodeSelector)
	assert.Len(t, pod.Tolerations, 1)
	assert.Contains(t, pod.Containers[0].Env, corev1.EnvVar{Name: "HTTPS_PROXY", Value: "http://proxy.example.com:3128"})
}

func TestTheImageBuilderTrustsTheAuthoritiesOfTheConfiguration(t *testing.T) {
	t.Parallel()
	objects, _ := imageBuilder(t, "caBundle: {name: trusted, key: own.pem}\n", argo.ImageBuilder{})
	pod := deploymentOf(t, objects).Spec.Template.Spec
	var volume corev1.Volume
	for _, one := range pod.Volumes {
		if one.ConfigMap != nil && one.ConfigMap.Name == "trusted" {
			volume = one
		}
	}
	require.Len(t, volume.ConfigMap.Items, 1)
	assert.Equal(t, "own.pem", volume.ConfigMap.Items[0].Key)
	for _, mount := range pod.Containers[0].VolumeMounts {
		if mount.Name == volume.Name {
			file := mount.MountPath + "/" + volume.ConfigMap.Items[0].Path
			assert.Contains(t, pod.Containers[0].Env, corev1.EnvVar{Name: "SSL_CERT_FILE", Value: file})
			assert.Contains(t, pod.Containers[0].Env, corev1.EnvVar{Name: "GIT_SSL_CAINFO", Value: file})
		}
		for _, other := range pod.Containers[0].VolumeMounts {
			assert.False(t, strings.HasPrefix(other.MountPath, mount.MountPath+"/"), "a volume in one that nothing can be made in")
		}
	}

	objects, _ = imageBuilder(t, "", argo.ImageBuilder{})
	assert.NotContains(t, string(objects["Deployment"].YAML), "SSL_CERT_FILE")
}
