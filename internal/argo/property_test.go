package argo_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/stages"
)

// drawn returns a valid configuration with a random graph of environments.
func drawn(t *rapid.T) string {
	text := "version: \"1.0\"\n"
	if rapid.Bool().Draw(t, "webhook") {
		text += "githubOwner: my-org\ngithubRepo: my-app\nclusterName: company\ngithubBranch: " +
			rapid.SampledFrom([]string{"main", "release/2.x", "a;$(id)"}).Draw(t, "branch") + "\n"
	}
	text += "environments:\n"
	for i := range rapid.IntRange(1, 12).Draw(t, "environments") {
		text += fmt.Sprintf("  - name: e%d\n    account: \"%012d\"\n    region: %s\n    stacks: [{name: S%d, path: lib}]\n",
			i, rapid.IntRange(0, 3).Draw(t, "account"), rapid.SampledFrom([]string{"eu-west-1", "us-east-1"}).Draw(t, "region"), i)
		if rapid.Bool().Draw(t, "tests") {
			text += "    tests: {commands: ['echo {{workflow.name}} $(id)']}\n"
		}
		if rapid.Bool().Draw(t, "hooks") {
			text += "    hooks: {preDeploy: ['echo {{=1+1}}'], postDeploy: ['\"; rm -rf /']}\n"
		}
		if rapid.Bool().Draw(t, "approval") {
			text += "    requiresApproval: true\n"
		}
		if rapid.Bool().Draw(t, "waves") {
			text += "    after: [" + strings.Join(earlier(t, i), ", ") + "]\n"
		}
	}
	return text
}

func earlier(t *rapid.T, i int) []string {
	var names []string
	for j := range i {
		if rapid.IntRange(0, 2).Draw(t, "after") == 0 {
			names = append(names, fmt.Sprintf("e%d", j))
		}
	}
	return names
}

func TestAnyConfigurationRendersACompleteWiredAndOrderedGraph(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, p := planned(t, drawn(t))
		template, err := argo.WorkflowTemplate(cfg, p, place())
		require.NoError(t, err)

		objects, err := argo.Objects(cfg, p, place())
		require.NoError(t, err)
		checkAllExpressions(t, objects)
		checkNoExpressionInACommand(t, template)
		checkWiring(t, template)
		checkGraph(t, cfg, template)
	})
}

// checkNoExpressionInACommand allows an expression only as the whole value of a variable,
// so that no value is ever part of a command.
func checkNoExpressionInACommand(t require.TestingT, template *wfv1.WorkflowTemplate) {
	for _, node := range template.Spec.Templates {
		for _, container := range containers(node) {
			for _, word := range slices.Concat(container.Command, container.Args) {
				require.NotContains(t, word, "{{")
			}
			for _, variable := range container.Env {
				require.True(t, !strings.Contains(variable.Value, "{{") || whole.MatchString(variable.Value) || waits.MatchString(variable.Value) || slices.Contains(computed, variable.Value), variable.Value)
			}
		}
	}
}

// containers returns the containers of a template, if it has any, and those that its patch
// adds to its pod.
func containers(node wfv1.Template) []corev1.Container {
	if node.Container == nil {
		return nil
	}
	return append([]corev1.Container{*node.Container}, commandsOf(node)...)
}

// commandsOf returns the containers for commands of a template.
func commandsOf(node wfv1.Template) []corev1.Container {
	var patch corev1.PodSpec
	if node.PodSpecPatch != "" {
		if err := yaml.UnmarshalStrict([]byte(node.PodSpecPatch), &patch); err != nil {
			panic(err)
		}
	}
	return patch.InitContainers
}

func isForCommands(container corev1.Container) bool { return container.RestartPolicy != nil }

// checkGraph checks that every environment is deployed once, after its dependencies.
func checkGraph(t require.TestingT, cfg *config.Config, template *wfv1.WorkflowTemplate) {
	var tasks []wfv1.DAGTask
	for _, graph := range template.Spec.Templates {
		if graph.Name == "environments" {
			tasks = graph.DAG.Tasks
		}
	}
	before := map[string]map[string]bool{}
	deployed := 0
	for _, task := range tasks {
		before[task.Name] = map[string]bool{}
		for _, name := range task.Dependencies {
			require.Contains(t, before, name, "%s comes before %s, on which it depends", task.Name, name)
			before[task.Name][name] = true
			for further := range before[name] {
				before[task.Name][further] = true
			}
		}
		if strings.HasPrefix(task.Name, plan.Deploy("")) {
			deployed++
			require.True(t, before[task.Name][plan.Wait(strings.TrimPrefix(task.Name, plan.Deploy("")))], task.Name)
		}
	}
	require.Equal(t, len(cfg.Environments), deployed)
	for _, env := range cfg.Environments {
		for _, other := range env.After {
			require.True(t, before[plan.Deploy(env.Name)][plan.Deploy(other)], "%s after %s", env.Name, other)
		}
	}
}

// large returns a configuration of 200 environments with 50 stacks each, in as many
// accounts as a pipeline can have.
func large() string {
	var text strings.Builder
	text.WriteString("version: \"1.0\"\ngithubOwner: my-org\ngithubRepo: my-app\nclusterName: c\nstacks:\n")
	var names []string
	for i := range 50 {
		name := fmt.Sprintf("Stack%02d", i)
		names = append(names, name)
		fmt.Fprintf(&text, "  - {name: %s, path: lib/stack-%02d.ts}\n", name, i)
	}
	text.WriteString("environments:\n")
	for i := range 200 {
		fmt.Fprintf(&text, "  - name: environment-%03d\n    account: \"%012d\"\n    region: eu-west-1\n    requiresApproval: true\n    tests: {commands: [npm test]}\n    stacks: [%s]\n",
			i, 100+i%30, strings.Join(names, ", "))
	}
	return text.String()
}

func TestTwoHundredEnvironmentsOfFiftyStacksFit(t *testing.T) {
	cfg, err := config.Parse(config.File, []byte(large()))
	require.NoError(t, err)
	p, err := plan.New(cfg, stages.Contracts(), place())
	require.NoError(t, err)
	objects, err := argo.Objects(cfg, p, place())
	require.NoError(t, err)
	for _, object := range objects {
		content, err := yaml.YAMLToJSON(object.YAML)
		require.NoError(t, err)
		assert.Less(t, len(content), 1<<20, object.String())
		if object.Kind == "WorkflowTemplate" {
			t.Logf("200 environments: %d bytes as JSON", len(content))
		}
	}
}
