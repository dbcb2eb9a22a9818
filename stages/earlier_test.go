package stages_test

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
	"github.com/aphex/aphex-pipeline/stages"
	"github.com/aphex/aphex-pipeline/stages/build"
	"github.com/aphex/aphex-pipeline/stages/deploy"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
	"github.com/aphex/aphex-pipeline/stages/reconcile"
	"github.com/aphex/aphex-pipeline/stages/record"
	"github.com/aphex/aphex-pipeline/stages/test"
	"github.com/aphex/aphex-pipeline/stages/validation"
)

// parsing returns a stage whose run does nothing but keep its input.
func parsing[I stage.Input, O any](c contract.Contract, got *any) stage.Stage {
	return stage.Of(c, "Help.", func(_ context.Context, _ stage.Frame, in I) (O, error) {
		*got = in
		var none O
		return none, nil
	})
}

// programs are today's programs, with stages that keep their inputs.
func programs(got *any) map[string]stage.Program {
	return map[string]stage.Program{
		"validator": {Name: "validator", Stages: []stage.Stage{parsing[validation.Input, validation.Output](validation.Contract(), got)}},
		"builder":   {Name: "builder", Stages: []stage.Stage{parsing[build.Input, build.Output](build.Contract(), got)}},
		"tester":    {Name: "tester", Stages: []stage.Stage{parsing[test.Input, test.Output](test.Contract(), got)}},
		"deployer": {Name: "deployer", Stages: []stage.Stage{
			parsing[pipeline.Input, pipeline.Output](pipeline.Contract(), got),
			parsing[deploy.Input, deploy.Output](deploy.Contract(), got),
			parsing[record.Input, record.Output](record.Contract(), got),
			parsing[reconcile.Input, reconcile.Output](reconcile.Contract(), got),
		}},
	}
}

// inRun are values that Argo writes in the place of expressions.
var inRun = strings.NewReplacer(
	"{{workflow.parameters.commit-sha}}", strings.Repeat("a", 40), "{{workflow.parameters.branch}}", "main",
	"{{workflow.parameters.repo-url}}", "https://github.com/my-org/my-app.git", "{{workflow.parameters.pusher}}", "octocat",
	"{{workflow.parameters.repo-name}}", "my-org/my-app", "{{workflow.name}}", "aphex-pipeline-"+strings.Repeat("a", 32),
	"{{workflow.status}}", "Succeeded", "{{workflow.failures}}", "[]", "{{workflow.creationTimestamp.RFC3339}}", "2026-01-01T00:00:00Z",
	"{{inputs.parameters.artifact}}", "a/b.tar.zst", "{{inputs.parameters.digest}}", "sha256:"+strings.Repeat("b", 64),
	"{{inputs.parameters.environment}}", "dev", "{{inputs.parameters.step}}", "deploy-dev", "{{inputs.parameters.tester-step}}", "test-dev",
)

// containersOf returns the containers of a template with the outputs that it reads.
func containersOf(node wfv1.Template) []corev1.Container {
	if node.Container != nil {
		return []corev1.Container{*node.Container}
	}
	var all []corev1.Container
	if node.ContainerSet != nil {
		for _, container := range node.ContainerSet.Containers {
			all = append(all, container.Container)
		}
	}
	return all
}

// earlier are the stages of the versions from which there are templates.
var earlier = []string{"builder", "deployer-environment", "deployer-pipeline", "deployer-reconcile", "deployer-record", "tester", "validator"}

// Images are newer than the template of a run that was rendered before an update, and of
// a pipeline that nobody applied since. Files of testdata/earlier are never regenerated.
func TestTodaysProgramsTakeWhatTemplatesOfEarlierVersionsPass(t *testing.T) {
	files, err := filepath.Glob("testdata/earlier/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	ran := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var template wfv1.WorkflowTemplate
		require.NoError(t, yaml.Unmarshal(text, &template))
		for _, node := range template.Spec.Templates {
			for _, container := range containersOf(node) {
				stageName := strings.Join(container.Command, "-")
				t.Run(filepath.Base(file)+" "+stageName, func(t *testing.T) { passes(t, node, container) })
				ran[stageName] = true
			}
		}
	}
	assert.Equal(t, earlier, slices.Sorted(maps.Keys(ran)))
}

// passes runs today's program as a container of an earlier template.
func passes(t *testing.T, node wfv1.Template, container corev1.Container) {
	c, found := stages.Contracts().Named(strings.Join(container.Command, "-"))
	require.True(t, found)
	known := slices.Concat(c.Inputs, stage.FrameInputs())
	for _, variable := range container.Env {
		value := inRun.Replace(variable.Value)
		require.NotContains(t, value, "{{", "the test has no value for the expression")
		if strings.HasPrefix(value, "/aphex/") {
			value = t.TempDir() // the folder of a pod, which programs create
		}
		t.Setenv(variable.Name, value)
		if strings.HasPrefix(variable.Name, contract.EnvPrefix) {
			assert.True(t, takes(known, variable.Name), "%s is not read any more", variable.Name)
		}
	}
	for _, output := range node.Outputs.Parameters {
		_, written := c.Output(output.Name)
		assert.True(t, written || node.ContainerSet != nil, "the output %s is not written any more", output.Name)
	}
	var got any
	var stdout, stderr bytes.Buffer
	code := programs(&got)[container.Command[0]].Run(t.Context(), container.Command[1:], &stdout, &stderr)
	require.Zero(t, code, stderr.String())
	assert.NotNil(t, got)
}

// takes reports whether an input reads a variable, also one with an earlier name.
func takes(inputs []contract.Param, variable string) bool {
	return slices.ContainsFunc(inputs, func(p contract.Param) bool {
		return p.Env == variable || variable == "APHEX_ENTRANCES" && p.Name == "access" // its former name
	})
}
