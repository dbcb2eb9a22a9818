package argo_test

import (
	"encoding/json"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"
)

// podOf is the pod that Argo makes of a template: with the executor's containers init and
// wait, and patched as the workflow and the template say.
func podOf(t *testing.T, template *wfv1.WorkflowTemplate, node wfv1.Template) corev1.PodSpec {
	t.Helper()
	main := *node.Container
	main.Name = "main"
	pod := corev1.PodSpec{
		SecurityContext: template.Spec.SecurityContext, Volumes: append(template.Spec.Volumes, node.Volumes...),
		InitContainers: append([]corev1.Container{{Name: "init"}}, userContainers(node.InitContainers)...), Containers: []corev1.Container{{Name: "wait"}, main},
	}
	if node.SecurityContext != nil {
		pod.SecurityContext = node.SecurityContext
	}
	for _, patch := range []string{template.Spec.PodSpecPatch, node.PodSpecPatch} {
		if patch == "" {
			continue
		}
		change, err := yaml.YAMLToJSON([]byte(patch))
		require.NoError(t, err)
		whole, err := json.Marshal(pod)
		require.NoError(t, err)
		whole, err = strategicpatch.StrategicMergePatch(whole, change, corev1.PodSpec{})
		require.NoError(t, err)
		pod = corev1.PodSpec{}
		require.NoError(t, json.Unmarshal(whole, &pod))
	}
	return pod
}

func userContainers(all []wfv1.UserContainer) (containers []corev1.Container) {
	for _, one := range all {
		containers = append(containers, one.Container)
	}
	return containers
}

// refusals are what Kubernetes finds in a pod at the level restricted, by pods of a template.
func refusals(t *testing.T, template *wfv1.WorkflowTemplate) map[string]string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	require.NoError(t, err)
	level, found := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, map[string]string{}
	for _, node := range template.Spec.Templates {
		if node.Container == nil {
			continue
		}
		pod := podOf(t, template, node)
		if result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &metav1.ObjectMeta{}, &pod)); !result.Allowed {
			found[node.Name] = result.ForbiddenDetail()
		}
	}
	return found
}

func TestPodsSatisfyTheRestrictedLevel(t *testing.T) {
	template := render(t, configuration("dev"))
	assert.Empty(t, refusals(t, template))
	pods := 0
	for _, node := range template.Spec.Templates {
		for _, container := range containers(node) {
			pods++
			assert.True(t, *container.SecurityContext.ReadOnlyRootFilesystem, node.Name)
		}
	}
	require.NotZero(t, pods)

	for loosened, c := range map[string]struct {
		change func(*wfv1.WorkflowTemplate)
		says   string
	}{
		"the security context of pods":  {func(w *wfv1.WorkflowTemplate) { w.Spec.SecurityContext = nil }, "runAsNonRoot != true"},
		"that of Argo's own containers": {func(w *wfv1.WorkflowTemplate) { w.Spec.PodSpecPatch = "" }, `"init", "wait" must set securityContext.allowPrivilegeEscalation=false`},
		"that of the containers of stages": {func(w *wfv1.WorkflowTemplate) {
			for i := range w.Spec.Templates {
				if container := w.Spec.Templates[i].Container; container != nil {
					container.SecurityContext = nil
				}
			}
		}, `"main" must set securityContext.capabilities.drop=["ALL"]`},
		"that of the containers for commands": {func(w *wfv1.WorkflowTemplate) {
			for i, node := range w.Spec.Templates {
				if node.PodSpecPatch != "" {
					w.Spec.Templates[i].PodSpecPatch = `{"initContainers": [{"name": "commands", "restartPolicy": "Always"}]}`
				}
			}
		}, `"commands" must set securityContext.allowPrivilegeEscalation=false`},
	} {
		template := render(t, configuration("dev"))
		c.change(template)
		found := refusals(t, template)
		require.NotEmpty(t, found, "%s: without it, Kubernetes refuses the pods", loosened)
		all := ""
		for _, refusal := range found {
			all += refusal + "\n"
		}
		assert.Contains(t, all, c.says, loosened)
	}
}
