package validate

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/workflow/common"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
)

// hostile are texts with a special meaning for something on the way to a container
// (argo-workflows#6441, CVE-2021-37914).
var hostile = []string{
	`zzz";echo${IFS}"hello";#`, "$(id)", "`id`", "a\nb", "a\tb", `"}], "args": ["echo nope"]`, `a\"b`, "'; drop", "a,b: c", "-x", "&a *a !!x",
	"{{workflow.name}}", "{{=1+1}}", "{{inputs.parameters.digest}}", "{{workflow.parameters.commit-sha}}", "a{{b", "}}{{", "{", strings.Repeat("x", 1000),
}

// fields are the values of an event that anyone who can push or open a pull request
// controls.
var fields = []struct {
	trigger   string
	delivery  func() members
	path      []string
	parameter string
}{
	{"push", push, []string{"body", "after"}, "commit-sha"},
	{"push", push, []string{"body", "ref"}, "branch"},
	{"push", push, []string{"body", "repository", "full_name"}, "repo-name"},
	{"push", push, []string{"body", "head_commit", "message"}, ""},
	{"pull", pull, []string{"body", "pull_request", "head", "sha"}, "commit-sha"},
	{"pull", pull, []string{"body", "pull_request", "head", "ref"}, "branch"},
	{"pull", pull, []string{"body", "pull_request", "base", "ref"}, ""},
}

// TestAHostileEventIsRefusedOrUsedLiterally sends every text in every field through the
// Sensor's filter, its parameters, and Argo's substitution, and checks the values that the
// container gets.
func TestAHostileEventIsRefusedOrUsedLiterally(t *testing.T) {
	objects := golden(t)["one-environment"]
	s := oneSensor(t)
	template, _ := decode[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
	refused, literal := 0, 0
	for _, field := range fields {
		for _, text := range hostile {
			delivery := set(field.delivery(), text, field.path...)
			if len(passes(t, s, delivery)) == 0 {
				refused++
				continue
			}
			literal++
			run := runOf(t, s, field.trigger, delivery)
			assertLiteral(t, template, run, field.parameter, text)
		}
	}
	assert.Greater(t, refused, 100)
	assert.Greater(t, literal, 10, "a commit's message is not used, and odd names of branches are valid")
}

// assertLiteral substitutes the run's parameters in every container as Argo does.
func assertLiteral(t *testing.T, template wfv1.WorkflowTemplate, run wfv1.Workflow, parameter, text string) {
	t.Helper()
	known := common.Parameters{"workflow.name": "NAME", "workflow.status": "STATUS", "workflow.failures": "FAILURES", "workflow.creationTimestamp.RFC3339": "CREATED"}
	for _, p := range run.Spec.Arguments.Parameters {
		known["workflow.parameters."+p.Name] = p.Value.String()
	}
	for _, node := range template.Spec.Templates {
		written := containers(node)
		if len(written) == 0 {
			continue
		}
		for i := range node.Inputs.Parameters {
			node.Inputs.Parameters[i].Value = wfv1.AnyStringPtr("INPUT")
		}
		became, err := common.SubstituteParams(&node, known, common.Parameters{})
		require.NoError(t, err, "%s: %q", node.Name, text)
		require.Len(t, containers(*became), len(written))
		for n, container := range containers(*became) {
			assert.Equal(t, written[n].Command, container.Command)
			assert.Empty(t, container.Args)
			assert.Equal(t, written[n].Image, container.Image)
			require.Len(t, container.Env, len(written[n].Env))
			for i, variable := range container.Env {
				if parameter != "" && strings.Contains(written[n].Env[i].Value, "workflow.parameters."+parameter) {
					assert.Equal(t, text, expanded(variable.Value), node.Name)
				}
				assert.Equal(t, written[n].Env[i].Name, variable.Name)
			}
		}
	}
}

// expanded returns the value that a process gets if the kubelet finds no $(NAME) to replace.
func expanded(value string) string { return strings.ReplaceAll(value, "$$", "$") }

// variable returns the value of a variable that a process gets.
func variable(t *testing.T, env []corev1.EnvVar, name string) string {
	t.Helper()
	for _, one := range env {
		if one.Name == name {
			require.NotRegexp(t, replaced, one.Value, "the kubelet would replace it")
			return expanded(one.Value)
		}
	}
	t.Fatalf("there is no variable %s", name)
	return ""
}

// containers returns the containers of a template, if it has any.
func containers(node wfv1.Template) []corev1.Container {
	if node.Container != nil {
		return []corev1.Container{*node.Container}
	}
	return nil
}

// TestArgoItselfWouldEvaluateAValue shows why values with braces are never let
// through: Argo replaces expressions in what it has just put in.
func TestArgoItselfWouldEvaluateAValue(t *testing.T) {
	node := wfv1.Template{Name: "x", Container: &corev1.Container{Env: []corev1.EnvVar{{Name: "BRANCH", Value: "{{workflow.parameters.branch}}"}}}}
	became, err := common.SubstituteParams(&node, common.Parameters{"workflow.parameters.branch": "{{=1+1}}"}, common.Parameters{})
	require.NoError(t, err)
	assert.Equal(t, "2", became.Container.Env[0].Value)
}

// TestAMessageOfAFailedStepIsUsedLiterally passes what code of the repository can write
// into the message of its container through Argo's substitution, into the step that
// records the run.
func TestAMessageOfAFailedStepIsUsedLiterally(t *testing.T) {
	template, _ := decode[wfv1.WorkflowTemplate](t, golden(t)["one-environment"], "WorkflowTemplate")
	recorder := template.GetTemplateByName("record")
	require.NotNil(t, recorder)
	for _, message := range []string{"$(AWS_ROLE_ARN)", "$$(AWS_ROLE_ARN)", "{{=1+1}}", "{{workflow.name}}", "{{{{=1+1}}}}", `"}]", "x": "{{=1+1}}`, "<a>&", "{"} {
		failures, err := json.Marshal([]map[string]string{{"displayName": "build", "message": message}})
		require.NoError(t, err)
		known := common.Parameters{
			"workflow.name": "NAME", "workflow.status": "Failed", "workflow.creationTimestamp.RFC3339": "CREATED",
			"workflow.failures": strconv.Quote(string(failures)), // as the controller writes it
		}
		loose := recorder.DeepCopy()
		for i := range loose.Container.Env {
			if loose.Container.Env[i].Name == "APHEX_FAILURES" {
				loose.Container.Env[i].Value = "{{workflow.failures}}"
			}
		}
		raw := failuresIn(t, loose, known)
		switch message {
		case "{{=1+1}}":
			assert.Equal(t, "2", messageIn(raw), "without the computed expression Argo evaluates it")
		case "$(AWS_ROLE_ARN)":
			assert.Regexp(t, replaced, raw, "without the computed expression the kubelet replaces it")
		}
		raw = failuresIn(t, recorder, known)
		assert.NotRegexp(t, replaced, raw)
		assert.Equal(t, strings.ReplaceAll(message, "{", "{ "), messageIn(raw))
	}
}

// replaced matches what the kubelet replaces in the value of a variable.
const replaced = `(^|[^$])(\$\$)*\$\(`

// failuresIn returns the variable with the failures of a run as Argo writes it into the pod.
func failuresIn(t *testing.T, template *wfv1.Template, known common.Parameters) string {
	t.Helper()
	became, err := common.SubstituteParams(template, known, common.Parameters{})
	require.NoError(t, err)
	for _, one := range became.Container.Env {
		if one.Name == "APHEX_FAILURES" {
			return one.Value
		}
	}
	t.Fatal("the step reads no failures")
	return ""
}

// messageIn returns the message of the first failure, or the whole text if it is no list.
func messageIn(raw string) string {
	text, err := strconv.Unquote(expanded(raw))
	var list []map[string]string
	if err != nil || json.Unmarshal([]byte(text), &list) != nil || len(list) == 0 {
		return raw
	}
	return list[0]["message"]
}
