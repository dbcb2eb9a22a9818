package localrun_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/localrun"
)

// nested returns a graph in a graph: `outer` passes the commit to `inner`, which has the
// condition WHEN and a gate with the condition GATE.
func nested(when, gate string) string {
	return dag(`
      - {name: first, template: write, arguments: {parameters: [{name: in, value: "{{workflow.parameters.commit}}"}]}}
      - {name: inner, template: inner, dependencies: [first], when: "`+when+`", arguments: {parameters: [{name: log, value: "{{tasks.first.outputs.parameters.out}}"}]}}
      - {name: last, template: write, dependencies: [inner]}
`) + `
  - name: inner
    inputs: {parameters: [{name: log}]}
    dag:
      tasks:
      - {name: approve, template: approve, when: "` + gate + `"}
      - {name: second, template: write, dependencies: [approve], arguments: {parameters: [{name: in, value: "{{inputs.parameters.log}}"}]}}
      - {name: third, template: write, dependencies: [second], arguments: {parameters: [{name: in, value: "{{tasks.second.outputs.parameters.out}}"}]}}
  - {name: approve, suspend: {}}
` + shell("write", "printf \\\"<$IN>\\\" > $OUT", "")
}

const (
	always = "'a' == 'a'"
	never  = "'a' == 'b'"
)

func outputs(r localrun.Result) map[string]string {
	all := map[string]string{}
	for _, step := range r.Steps {
		all[step.Name] = step.Outputs["out"]
	}
	return all
}

func TestANestedGraphHasItsOwnInputsAndOutputs(t *testing.T) {
	var h harness
	got, err := run(t, &h, nested(always, always))
	require.NoError(t, err)
	require.Equal(t, localrun.Succeeded, got.Status, h.log.String())
	assert.Equal(t, map[string]string{"first": "<0123>", "approve": "", "second": "<<0123>>", "third": "<<<0123>>>", "last": "<>"}, outputs(got))
	assert.Equal(t, []string{
		"first started", "first finished", "approve waiting", "approve finished", "second started", "second finished", "third started", "third finished",
		"last started", "last finished",
	}, h.events)
}

func TestAGraphWhoseConditionDoesNotHoldIsSkippedWhole(t *testing.T) {
	var h harness
	got, err := run(t, &h, nested(never, always))
	require.NoError(t, err)
	assert.Equal(t, localrun.Succeeded, got.Status)
	assert.Equal(t, map[string]localrun.Status{"first": "Succeeded", "approve": "Skipped", "second": "Skipped", "third": "Skipped", "last": "Succeeded"}, statuses(got))
	assert.Equal(t, []string{"first started", "first finished", "last started", "last finished"}, h.events, "skipped steps have no events")
}

func TestAGateWhoseConditionDoesNotHoldDoesNotAsk(t *testing.T) {
	for gate, asked := range map[string]int{always: 1, never: 0} {
		var h harness
		asks := 0
		got, err := run(t, &h, nested(always, gate), func(o *localrun.Options) {
			o.Approve = func(context.Context, string) error { asks++; return nil }
		})
		require.NoError(t, err)
		assert.Equal(t, localrun.Succeeded, got.Status)
		assert.Equal(t, asked, asks)
	}
}

func TestAFailureInANestedGraphStopsBoth(t *testing.T) {
	var h harness
	got, err := run(t, &h, nested(always, always), func(o *localrun.Options) {
		o.Approve = func(context.Context, string) error { return errors.New("not approved") }
	})
	require.NoError(t, err)
	assert.Equal(t, localrun.Errored, got.Status)
	assert.Equal(t, map[string]localrun.Status{"first": "Succeeded", "approve": "Error", "second": "Omitted", "third": "Omitted", "last": "Omitted"}, statuses(got))
	because := map[string]string{}
	for _, step := range got.Steps {
		because[step.Name] = step.Message
	}
	assert.Equal(t, "not started: approve", because["third"])
	assert.Equal(t, "not started: inner", because["last"])
}

func TestAGraphCannotReferToOutputsOfAnother(t *testing.T) {
	template := dag("      - {name: first, template: write}\n      - {name: inner, template: inner, dependencies: [first]}\n") + `
  - {name: inner, dag: {tasks: [{name: second, template: write, arguments: {parameters: [{name: in, value: "{{tasks.first.outputs.parameters.out}}"}]}}]}}
` + shell("write", "true", "")
	var h harness
	_, err := run(t, &h, template)
	assert.ErrorContains(t, err, "cannot resolve {{tasks.first.outputs.parameters.out}}", "Argo has outputs for the tasks of one graph only")
}

func TestAGraphThatIsAPartOfItselfIsAnError(t *testing.T) {
	_, err := localrun.Parse([]byte(head + dag("      - {name: a, template: inner}\n") + "  - {name: inner, dag: {tasks: [{name: b, template: run}]}}\n"))
	assert.ErrorContains(t, err, "is a part of itself")
}

func TestOnlyTheConditionsThatThePipelineUsesAreSupported(t *testing.T) {
	for condition, runs := range map[string]bool{
		"'a' == 'a'": true, "'a' == 'b'": false, "'' == ''": true, "'a' != 'b'": true, "'a' != 'a'": false,
		"',dev,prod,' =~ ',prod,'": true, "',dev,' =~ ',prod,'": false, "',dev,' !~ ',prod,'": true, "',dev,prod,' !~ ',prod,'": false, "'' !~ ',prod,'": true,
	} {
		var h harness
		got, err := run(t, &h, dag(`      - {name: a, template: b, when: "`+condition+`"}`+"\n")+shell("b", "true", ""))
		require.NoError(t, err, condition)
		assert.Equal(t, runs, got.Steps[0].Status == localrun.Succeeded, condition)
	}
	for _, unknown := range []string{
		"a == a", "'a' == 'a' && 'b' == 'b'", "'a' < 'b'", "true", "'a' == 'a' || true", "'{{workflow.parameters.commit}}' == 'x'", "'a' =~ '('",
	} {
		var h harness
		_, err := run(t, &h, dag(`      - {name: a, template: b, when: "`+unknown+`"}`+"\n")+shell("b", "true", ""), func(o *localrun.Options) {
			o.Parameters["commit"] = "' == '' || 'x"
		})
		assert.ErrorContains(t, err, "the condition", unknown)
	}
}
