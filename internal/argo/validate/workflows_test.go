package validate

import (
	"regexp"
	"testing"

	"github.com/Knetic/govaluate"
	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	"github.com/argoproj/argo-workflows/v3/util/expr/argoexpr"
	"github.com/argoproj/argo-workflows/v3/util/expr/env"
	"github.com/argoproj/argo-workflows/v3/workflow/util"
	"github.com/argoproj/argo-workflows/v3/workflow/validate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestArgoAcceptsEveryTemplate(t *testing.T) {
	for name, objects := range golden(t) {
		template, found := decode[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
		require.True(t, found, name)
		assert.NoError(t, validate.ValidateWorkflowTemplate(templates{&template}, nil, &template, nil, validate.ValidateOpts{}), name)
	}
}

// TestArgoAcceptsEveryRun also holds what Strict and Secure template referencing
// allow a Workflow to say beside the reference.
func TestArgoAcceptsEveryRun(t *testing.T) {
	runs := 0
	for name, objects := range golden(t) {
		template, _ := decode[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
		sensor, found := decode[eventsv1.Sensor](t, objects, "Sensor")
		if !found {
			continue // of a configuration that names no repository
		}
		for _, trigger := range []string{"push", "pull"} {
			workflow := submitted(t, sensor, trigger)
			runs++
			assert.NoError(t, util.ValidateUserOverrides(&workflow.Spec), "%s: %s", name, trigger)
			assert.NoError(t, validate.ValidateWorkflow(templates{&template}, nil, &workflow, nil, validate.ValidateOpts{Submit: true}), "%s: %s", name, trigger)
		}
	}
	assert.Greater(t, runs, 20)
}

func TestArgoAcceptsEveryLookForMissedPushes(t *testing.T) {
	looks := 0
	for name, objects := range golden(t) {
		template, _ := decode[wfv1.WorkflowTemplate](t, objects, "WorkflowTemplate")
		cron, found := decode[wfv1.CronWorkflow](t, objects, "CronWorkflow")
		if !found {
			continue
		}
		looks++
		assert.NoError(t, util.ValidateUserOverrides(&cron.Spec.WorkflowSpec), name)
		assert.NoError(t, validate.ValidateCronWorkflow(t.Context(), templates{&template}, nil, &cron, nil), name)
	}
	assert.Greater(t, looks, 10)
}

// TestArgoRefusesWhatIsWrong keeps the tests above from passing for nothing.
func TestArgoRefusesWhatIsWrong(t *testing.T) {
	for name, breaks := range map[string]func(*wfv1.WorkflowTemplate){
		"an output that no stage has": func(w *wfv1.WorkflowTemplate) {
			w.Spec.Templates[0].DAG.Tasks[2].Arguments.Parameters[0].Value = wfv1.AnyStringPtr("{{tasks.build.outputs.parameters.gone}}")
		},
		"a task of no template":        func(w *wfv1.WorkflowTemplate) { w.Spec.Templates[0].DAG.Tasks[0].Template = "gone" },
		"a dependency on no task":      func(w *wfv1.WorkflowTemplate) { w.Spec.Templates[0].DAG.Tasks[1].Dependencies = []string{"gone"} },
		"an exit handler that is gone": func(w *wfv1.WorkflowTemplate) { w.Spec.OnExit = "gone" },
	} {
		template, _ := decode[wfv1.WorkflowTemplate](t, golden(t)["one-environment"], "WorkflowTemplate")
		breaks(&template)
		assert.Error(t, validate.ValidateWorkflowTemplate(templates{&template}, nil, &template, nil, validate.ValidateOpts{}), name)
	}
	var bad wfv1.WorkflowSpec
	bad.WorkflowTemplateRef = &wfv1.WorkflowTemplateRef{Name: "x"}
	bad.ServiceAccountName = "admin"
	assert.ErrorContains(t, util.ValidateUserOverrides(&bad), "ServiceAccountName")
}

// resumes is the Workflow of a run that another one handed over to.
func resumes(run wfv1.Workflow) *wfv1.Workflow {
	resumed := run.DeepCopy()
	resumed.Name += "-r9999-h"
	resumed.Spec.Entrypoint = "resume"
	for name, value := range map[string]string{"artifact": "0123/4567.tar.zst", "digest": "sha256:4567", "config-digest": "sha256:89", "gates": "staging prod", "origin": run.Name} {
		resumed.Spec.Arguments.Parameters = append(resumed.Spec.Arguments.Parameters, wfv1.Parameter{Name: name, Value: wfv1.AnyStringPtr(value)})
	}
	return resumed
}

// TestAGateWaitsUnlessItIsKnownThatItNeedNot evaluates conditions as Argo does
// (workflow/controller, shouldExecute), when what they read has been put in.
func TestAGateWaitsUnlessItIsKnownThatItNeedNot(t *testing.T) {
	template, _ := decode[wfv1.WorkflowTemplate](t, golden(t)["approvals"], "WorkflowTemplate")
	conditions := map[string]string{}
	for _, graph := range template.Spec.Templates {
		if graph.DAG == nil {
			continue
		}
		for _, task := range graph.DAG.Tasks {
			conditions[task.Name] = task.When
		}
	}
	for _, c := range []struct {
		task, value string
		runs        bool
	}{
		{"gate-prod", ",dev,staging,", true},
		{"gate-prod", ",dev,prod,", false},
		{"gate-prod", ",prod,", false},
		{"gate-prod", ",prod-eu,eu-prod,", true},
		{"gate-prod", ",", true},
		{"gate-prod", "", true},
		{"gate-dev", ",dev,", false},
		{"environments", "handed-over", false},
		{"environments", "updated", true},
		{"environments", "kept", true},
		{"environments", "", true},
	} {
		text := regexp.MustCompile(`\{\{[^{}]*\}\}`).ReplaceAllLiteralString(conditions[c.task], c.value)
		expression, err := govaluate.NewEvaluableExpression(text)
		require.NoError(t, err, text)
		runs, err := expression.Evaluate(nil)
		require.NoError(t, err, text)
		assert.Equal(t, c.runs, runs, text)
	}
}

// probeOf is the Workflow that has a new version of the template validated before
// anything points to it.
func probeOf(template wfv1.WorkflowTemplate) *wfv1.Workflow {
	suspended := true
	probe := &wfv1.Workflow{Spec: wfv1.WorkflowSpec{
		WorkflowTemplateRef: &wfv1.WorkflowTemplateRef{Name: template.Name}, Suspend: &suspended,
	}}
	for _, parameter := range template.Spec.Arguments.Parameters {
		probe.Spec.Arguments.Parameters = append(probe.Spec.Arguments.Parameters, wfv1.Parameter{Name: parameter.Name, Value: wfv1.AnyStringPtr("none")})
	}
	return probe
}

func TestArgosLookAtANewVersionIsAllowedAndFindsWhatIsBroken(t *testing.T) {
	template, _ := decode[wfv1.WorkflowTemplate](t, golden(t)["twelve-environments"], "WorkflowTemplate")
	require.NoError(t, util.ValidateUserOverrides(&probeOf(template).Spec))
	require.NoError(t, validate.ValidateWorkflow(templates{&template}, nil, probeOf(template), nil, validate.ValidateOpts{}))

	template.Spec.Templates[0].DAG.Tasks[0].Template = "gone"
	assert.Error(t, validate.ValidateWorkflow(templates{&template}, nil, probeOf(template), nil, validate.ValidateOpts{}))
}

// TestAStepIsRunAgainWhenItsPodWasLost evaluates the condition as Argo does.
func TestAStepIsRunAgainWhenItsPodWasLost(t *testing.T) {
	template, _ := decode[wfv1.WorkflowTemplate](t, golden(t)["short-form"], "WorkflowTemplate")
	for _, node := range template.Spec.Templates {
		if node.RetryStrategy == nil {
			continue
		}
		for _, last := range []struct {
			status, exitCode, message string
			again                     bool
		}{
			{"Failed", "75", "main: Error (exit code 75)", true},
			{"Failed", "0", "commands: Error (exit code 75)", false},
			{"Error", "-1", "pod deleted", true},
			{"Failed", "137", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi.", true},
			{"Failed", "143", "Pod was terminated in response to imminent node shutdown.", true},
			{"Failed", "-1", "Pod was rejected: Node didn't have enough resource: cpu", true},
			{"Failed", "-1", "Preempted in order to admit critical pod", true},
			{"Failed", "-1", "pod failed: neither main nor wait container completed successfully", true},
			{"Failed", "1", "main: Error (exit code 1)", false},
			{"Failed", "2", "main: Error (exit code 2)", false},
			{"Failed", "0", "tester: Error (exit code 1)", false},
			{"Failed", "0", "tester: Error (exit code 1): main: Error (exit code 75)", false},
			{"Failed", "137", "main: OOMKilled (exit code 137)", false},
			{"Failed", "1", "main: Error (exit code 1): The node was low on resource: memory", false},
			{"Failed", "1", "commands: Error (exit code 75): main: Error (exit code 75)", false},
			{"Failed", "1", "sidecar: Error (exit code 75)", false},
			{"Failed", "1", "main: Error (exit code 1): \ntester: Error (exit code 75)", false},
			{"Failed", "-1", "Usage of EmptyDir volume \"aphex\" exceeds the limit \"10Gi\". ", false},
			{"Failed", "-1", "Pod was active on the node longer than the specified deadline", false},
			{"Failed", "75", "Pod was active on the node longer than the specified deadline", false},
			{"Error", "75", "Pod was active on the node longer than the specified deadline", false},
			{"Failed", "143", "", false},
		} {
			again, err := argoexpr.EvalBool(node.RetryStrategy.Expression, env.GetFuncMap(map[string]any{
				"lastRetry.status": last.status, "lastRetry.exitCode": last.exitCode, "lastRetry.message": last.message, "lastRetry.duration": "1",
			}))
			require.NoError(t, err)
			assert.Equal(t, last.again, again, "%s: %+v", node.Name, last)
		}
	}
}
