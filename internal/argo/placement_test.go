package argo_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// fieldOf returns the field of a struct type with a key of JSON.
func fieldOf(typ reflect.Type, key string) (reflect.StructField, bool) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		if field.Anonymous && strings.HasPrefix(field.Tag.Get("json"), ",") {
			if found, has := fieldOf(field.Type, key); has {
				return found, true
			}
		}
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name == key {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

func TestTheKeysOfAPlacementAreThoseOfKubernetes(t *testing.T) {
	own := map[string]bool{"labels": true, "annotations": true, "resources": true} // not of a specification
	var compare func(ours, theirs reflect.Type, path string)
	compare = func(ours, theirs reflect.Type, path string) {
		for ours.Kind() == reflect.Pointer {
			ours = ours.Elem()
		}
		for theirs.Kind() == reflect.Pointer {
			theirs = theirs.Elem()
		}
		switch {
		case ours.Kind() == reflect.Int:
			assert.Contains(t, []reflect.Kind{reflect.Int32, reflect.Int64}, theirs.Kind(), path)
			return
		default:
			require.Equal(t, theirs.Kind(), ours.Kind(), path)
		}
		switch ours.Kind() {
		case reflect.Slice, reflect.Map:
			compare(ours.Elem(), theirs.Elem(), path+"[]")
		case reflect.Struct:
			for i := range ours.NumField() {
				key, _, _ := strings.Cut(ours.Field(i).Tag.Get("json"), ",")
				if path == "" && own[key] {
					continue
				}
				field, found := fieldOf(theirs, key)
				if assert.True(t, found, "Kubernetes has no %s.%s", path, key) {
					compare(ours.Field(i).Type, field.Type, path+"."+key)
				}
			}
		}
	}
	compare(reflect.TypeFor[config.Pods](), reflect.TypeFor[corev1.PodSpec](), "")
}

func TestEveryPodOfARunIsPlacedAsTheConfigurationSays(t *testing.T) {
	template := render(t, configuration("dev")+`pods:
  nodeSelector: {pool: pipelines}
  tolerations: [{key: spot, operator: Exists}]
  priorityClassName: high
  imagePullSecrets: [{name: registry}]
  labels: {team: shop}
  annotations: {sidecar.istio.io/inject: "false"}
  affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 7, podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: db}}}}]}}
`)
	pods := 0
	for _, node := range template.Spec.Templates {
		if node.Container == nil {
			continue
		}
		pods++
		pod := podOf(t, template, node)
		assert.Equal(t, map[string]string{"pool": "pipelines"}, pod.NodeSelector, node.Name)
		assert.Equal(t, []corev1.Toleration{{Key: "spot", Operator: corev1.TolerationOpExists}}, pod.Tolerations, node.Name)
		assert.Equal(t, "high", pod.PriorityClassName, node.Name)
		assert.Equal(t, []corev1.LocalObjectReference{{Name: "registry"}}, pod.ImagePullSecrets, node.Name)
		assert.EqualValues(t, 7, pod.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution[0].Weight, node.Name)
	}
	assert.Greater(t, pods, 4)
	assert.Equal(t, "shop", template.Spec.PodMetadata.Labels["team"])
	assert.Equal(t, "false", template.Spec.PodMetadata.Annotations["sidecar.istio.io/inject"])
	assert.Empty(t, refusals(t, template), "they satisfy the level restricted")
}

func TestCommandsGetTheResourcesThatTheConfigurationNames(t *testing.T) {
	template := render(t, configuration("dev")+`testerImage: example.test/tests:1
podLimits: {memory: 6Gi}
build: {commands: [make], resources: {requests: {memory: 8Gi}, limits: {memory: 16Gi}}}
pods: {resources: {requests: {cpu: 500m, ephemeral-storage: 2Gi}, limits: {cpu: 4}}}
`)
	of := func(name string) map[string]corev1.ResourceRequirements {
		found := map[string]corev1.ResourceRequirements{}
		for _, container := range containers(node(t, template, name)) {
			found[container.Name] = container.Resources
		}
		return found
	}
	text := func(r corev1.ResourceRequirements) string {
		content, err := json.Marshal(r)
		require.NoError(t, err)
		return string(content)
	}
	assert.JSONEq(t, `{"requests": {"cpu": "500m", "memory": "8Gi", "ephemeral-storage": "2Gi"}, "limits": {"cpu": "4", "memory": "16Gi", "ephemeral-storage": "10Gi"}}`,
		text(of("builder")["commands"]))
	assert.JSONEq(t, `{"requests": {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "2Gi"}, "limits": {"cpu": "4", "memory": "6Gi", "ephemeral-storage": "10Gi"}}`,
		text(of("deployer-pipeline")["commands"]))
	assert.JSONEq(t, `{"requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "256Mi"}, "limits": {"memory": "6Gi", "ephemeral-storage": "10Gi"}}`,
		text(of("builder")["main"]), "a stage has its own needs")
}

func TestStagesAndCommandsReachTheOutsideAsTheConfigurationSays(t *testing.T) {
	template := render(t, configuration("dev")+`testerImage: example.test/tests:1
proxy: {https: "http://proxy:3128", noProxy: [.example.com]}
caBundle: {name: trusted, key: ca.pem}
workspaceVolume: {storageClassName: gp3}
podLimits: {storage: 40Gi}
`)
	claims := 0
	for _, node := range template.Spec.Templates {
		if node.Container == nil {
			continue
		}
		pod := podOf(t, template, node)
		for _, container := range append(pod.InitContainers, pod.Containers...) {
			env := map[string]string{}
			for _, variable := range container.Env {
				env[variable.Name] = variable.Value
			}
			where := node.Name + ": " + container.Name
			if container.Name == "init" || container.Name == "wait" {
				assert.Empty(t, env, where)
				continue
			}
			for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
				assert.Equal(t, "http://proxy:3128", env[name], where)
			}
			assert.Equal(t, "localhost,127.0.0.1,::1,$(KUBERNETES_SERVICE_HOST),.svc,.cluster.local,.example.com", env["NO_PROXY"], where)
			assert.NotContains(t, env, "HTTP_PROXY", where)
			for _, name := range []string{"SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NPM_CONFIG_CAFILE"} {
				assert.Equal(t, "/etc/aphex/ca.pem", env[name], where)
			}
			assert.Contains(t, container.VolumeMounts, corev1.VolumeMount{Name: "authorities", MountPath: "/etc/aphex", ReadOnly: true}, where)
			assert.NotEmpty(t, env["HOME"], "%s: its own variables stay", where)
		}
		found := false
		for _, volume := range pod.Volumes {
			if volume.Name == "authorities" {
				found = true
				assert.Equal(t, "trusted", volume.ConfigMap.Name)
				assert.Equal(t, []corev1.KeyToPath{{Key: "ca.pem", Path: "ca.pem"}}, volume.ConfigMap.Items)
			}
			if volume.Ephemeral != nil {
				claims++
				claim := volume.Ephemeral.VolumeClaimTemplate.Spec
				assert.Equal(t, "gp3", *claim.StorageClassName)
				assert.Equal(t, "40Gi", claim.Resources.Requests.Storage().String())
			}
		}
		assert.True(t, found, node.Name)
	}
	assert.Greater(t, claims, 8)
	assert.Empty(t, refusals(t, template), "they satisfy the level restricted")
}
