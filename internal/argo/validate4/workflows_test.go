package validate4

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	wfv1 "github.com/argoproj/argo-workflows/v4/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v4/workflow/common"
	"github.com/argoproj/argo-workflows/v4/workflow/util"
	"github.com/argoproj/argo-workflows/v4/workflow/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// TestArgo4AcceptsEveryTemplateRunAndLookForMissedPushes also holds what Strict and Secure
// template referencing allow a Workflow to say beside the reference.
func TestArgo4AcceptsEveryTemplateRunAndLookForMissedPushes(t *testing.T) {
	all := golden(t)
	all["200 environments"] = large(t)
	runs, looks := 0, 0
	for name, objects := range all {
		ctx, template := logged(t), templateOf(t, objects)
		cluster := templates{template}
		assert.NoError(t, validate.ValidateWorkflowTemplate(ctx, cluster, nil, template, nil, validate.ValidateOpts{}), name)
		workflows := []*wfv1.Workflow{probeOf(template)}
		for _, run := range submitted(t, objects) {
			var workflow wfv1.Workflow
			require.NoError(t, yaml.UnmarshalStrict(run.text, &workflow))
			workflows = append(workflows, &workflow)
			if workflow.Spec.Entrypoint == "" {
				workflows = append(workflows, resumes(&workflow))
			}
		}
		for _, workflow := range workflows {
			runs++
			assert.NoError(t, util.ValidateUserOverrides(&workflow.Spec), "%s: %s", name, workflow.Name)
			assert.NoError(t, validate.ValidateWorkflow(ctx, cluster, nil, workflow, nil, validate.ValidateOpts{Submit: true}), "%s: %s", name, workflow.Name)
		}
		if cron, found := decode[wfv1.CronWorkflow](t, objects, "CronWorkflow"); found {
			looks++
			assert.NoError(t, util.ValidateUserOverrides(&cron.Spec.WorkflowSpec), name)
			assert.NoError(t, validate.ValidateCronWorkflow(ctx, cluster, nil, &cron, nil), name)
		}
	}
	assert.Greater(t, runs, 60)
	assert.Greater(t, looks, 10)
}

// TestArgo4RefusesWhatIsWrong keeps the test above from passing for nothing.
func TestArgo4RefusesWhatIsWrong(t *testing.T) {
	for name, breaks := range map[string]func(*wfv1.WorkflowTemplate){
		"an output that no stage has": func(w *wfv1.WorkflowTemplate) {
			w.Spec.Templates[0].DAG.Tasks[2].Arguments.Parameters[0].Value = wfv1.AnyStringPtr("{{tasks.build.outputs.parameters.gone}}")
		},
		"a task of no template":        func(w *wfv1.WorkflowTemplate) { w.Spec.Templates[0].DAG.Tasks[0].Template = "gone" },
		"a dependency on no task":      func(w *wfv1.WorkflowTemplate) { w.Spec.Templates[0].DAG.Tasks[1].Dependencies = []string{"gone"} },
		"an exit handler that is gone": func(w *wfv1.WorkflowTemplate) { w.Spec.OnExit = "gone" },
	} {
		template := templateOf(t, golden(t)["one-environment"])
		breaks(template)
		assert.Error(t, validate.ValidateWorkflowTemplate(logged(t), templates{template}, nil, template, nil, validate.ValidateOpts{}), name)
	}
	var bad wfv1.WorkflowSpec
	bad.WorkflowTemplateRef = &wfv1.WorkflowTemplateRef{Name: "x"}
	bad.ServiceAccountName = "admin"
	assert.ErrorContains(t, util.ValidateUserOverrides(&bad), "ServiceAccountName")
}

// TestArgo4UsesTheMessageOfAFailedStepLiterally passes what code of the repository can write
// into the message of its container through Argo's substitution, into the step that
// records the run.
func TestArgo4UsesTheMessageOfAFailedStepLiterally(t *testing.T) {
	recorder := templateOf(t, golden(t)["one-environment"]).GetTemplateByName("record")
	require.NotNil(t, recorder)
	for _, message := range []string{"$(AWS_ROLE_ARN)", "$$(AWS_ROLE_ARN)", "{{=1+1}}", "{{workflow.name}}", "{{{{=1+1}}}}", `"}]", "x": "{{=1+1}}`, "<a>&", "{"} {
		failures, err := json.Marshal([]map[string]string{{"displayName": "build", "message": message}})
		require.NoError(t, err)
		known := common.Parameters{
			"workflow.name": "NAME", "workflow.status": "Failed", "workflow.creationTimestamp.RFC3339": "CREATED",
			"workflow.failures": strconv.Quote(string(failures)), // as the controller writes it
		}
		became, err := common.SubstituteParams(logged(t), recorder.DeepCopy(), known, common.Parameters{})
		require.NoError(t, err)
		written := variable(t, became.Container.Env, "APHEX_FAILURES")
		assert.NotRegexp(t, `(^|[^$])(\$\$)*\$\(`, written, "the kubelet would replace it")
		text, err := strconv.Unquote(strings.ReplaceAll(written, "$$", "$"))
		require.NoError(t, err, written)
		var list []map[string]string
		require.NoError(t, json.Unmarshal([]byte(text), &list), text)
		require.Len(t, list, 1)
		assert.Equal(t, strings.ReplaceAll(message, "{", "{ "), list[0]["message"])
	}
}

// TestArgo4PassesTheValuesOfARunToItsContainersAsTheyAre substitutes names of branches that
// git allows.
func TestArgo4PassesTheValuesOfARunToItsContainersAsTheyAre(t *testing.T) {
	template := templateOf(t, golden(t)["one-environment"])
	for _, branch := range []string{"main", `a;$(id)"`, "a'b`id`", "ä/{x}", strings.Repeat("x", 200)} {
		passed := 0
		for _, node := range template.Spec.Templates {
			if node.Container == nil {
				continue
			}
			for i := range node.Inputs.Parameters {
				node.Inputs.Parameters[i].Value = wfv1.AnyStringPtr("INPUT")
			}
			known := common.Parameters{"workflow.name": "NAME", "workflow.status": "STATUS", "workflow.failures": `"[]"`, "workflow.creationTimestamp.RFC3339": "CREATED"}
			for _, parameter := range template.Spec.Arguments.Parameters {
				known["workflow.parameters."+parameter.Name] = branch
			}
			became, err := common.SubstituteParams(logged(t), &node, known, common.Parameters{})
			require.NoError(t, err, "%s: %q", node.Name, branch)
			assert.Equal(t, node.Container.Command, became.Container.Command)
			assert.Equal(t, node.Container.Image, became.Container.Image)
			assert.Empty(t, became.Container.Args)
			for i, one := range node.Container.Env {
				if strings.Contains(one.Value, "workflow.parameters.branch") {
					passed++
					assert.Equal(t, branch, strings.ReplaceAll(became.Container.Env[i].Value, "$$", "$"), node.Name)
				}
			}
		}
		assert.Positive(t, passed)
	}
}

func variable(t *testing.T, env []corev1.EnvVar, name string) string {
	t.Helper()
	for _, one := range env {
		if one.Name == name {
			return one.Value
		}
	}
	t.Fatalf("there is no variable %s", name)
	return ""
}
