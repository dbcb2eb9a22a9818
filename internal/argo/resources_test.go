package argo_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

func TestEveryContainerAsksForWhatItNeedsAndIsLimited(t *testing.T) {
	template := render(t, configuration("dev")+"podLimits: {memory: 256Mi, storage: 40Gi}\n")
	var executor corev1.PodSpec
	require.NoError(t, json.Unmarshal([]byte(template.Spec.PodSpecPatch), &executor))
	all := map[string][]corev1.Container{"executor": append(executor.InitContainers, executor.Containers...)}
	for _, node := range template.Spec.Templates {
		if node.Container != nil {
			all[node.Name] = containers(node)
		}
	}
	require.Greater(t, len(all), 5)
	for template, containers := range all {
		for _, container := range containers {
			where := template + ": " + container.Name
			for _, resource := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
				asked, most := container.Resources.Requests[resource], container.Resources.Limits[resource]
				assert.Positive(t, asked.Value(), "%s: %s", where, resource)
				assert.LessOrEqual(t, asked.Value(), most.Value(), "%s: Kubernetes refuses the pod: %s", where, resource)
			}
			assert.Positive(t, container.Resources.Requests.Cpu().MilliValue(), where)
			assert.True(t, container.Resources.Limits.Cpu().IsZero(), where)
		}
	}
	assert.Equal(t, "256Mi", node(t, template, "builder").Container.Resources.Limits.Memory().String())
	assert.Equal(t, "8Gi", node(t, render(t, configuration("dev")), "builder").Container.Resources.Limits.Memory().String())
}

func TestNoVolumeOfARunGrowsWithoutLimit(t *testing.T) {
	for _, node := range render(t, configuration("dev")+"podLimits: {storage: 40Gi}\n").Spec.Templates {
		for _, volume := range node.Volumes {
			if volume.EmptyDir != nil {
				require.NotNil(t, volume.EmptyDir.SizeLimit, "%s: %s", node.Name, volume.Name)
				want := "40Gi"
				if volume.EmptyDir.Medium == corev1.StorageMediumMemory {
					want = "64Mi"
				}
				assert.Equal(t, want, volume.EmptyDir.SizeLimit.String())
			}
		}
	}
}
