package pipelinerun

import (
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/localrun"
)

func TestAnOutputTakesOneLine(t *testing.T) {
	for value, line := range map[string]string{
		"https://example.com/ä?x=1": "https://example.com/ä?x=1", "": "", "a b": "a b",
		"a\nb": `"a\nb"`, "a\rb": `"a\rb"`, "\x1b[31mred": `"\x1b[31mred"`, "a\tb": `"a\tb"`, "a\u2028b": `"a\u2028b"`, "\u202eabc": `"\u202eabc"`,
	} {
		assert.Equal(t, line, oneLine(value))
	}
}

func TestLongNamesWidenTheirColumns(t *testing.T) {
	s := &summary{console: newConsole(io.Discard)}
	result := localrun.Result{Steps: []localrun.StepResult{
		{Name: "build", Status: localrun.Succeeded},
		{Name: "deploy-production-europe", Status: localrun.Succeeded, Outputs: map[string]string{summaryOutput: `{"environment": "production-europe", "stacks": [
			{"name": "AVeryLongNameOfAStackOfTheShop", "region": "ap-southeast-2", "action": "created"}, {"name": "Api", "region": "eu-west-1", "action": "created"}]}`}},
	}}
	s.stages(result, false, nil)
	s.stacks(result)
	columns := map[string][]int{}
	for line := range strings.Lines(s.text.String()) {
		for _, word := range []string{"succeeded", "created"} {
			if at := strings.Index(line, word); at >= 0 {
				columns[word] = append(columns[word], utf8.RuneCountInString(line[:at]))
			}
		}
	}
	for word, at := range columns {
		assert.Len(t, at, 2, word)
		assert.Equal(t, at[0], at[len(at)-1], s.text.String())
	}
	assert.Len(t, columns, 2)
}

// Every environment has a gate, whether it needs an approval or not.
func TestAGateThatWasNotReachedIsListedIfItRequiresAnApproval(t *testing.T) {
	s := &summary{console: newConsole(io.Discard)}
	s.stages(localrun.Result{Steps: []localrun.StepResult{
		{Name: "pipeline", Status: localrun.Failed, Message: "exit code 2"},
		{Name: "gate-dev", Status: localrun.Omitted, Message: "not started: pipeline"},
		{Name: "deploy-dev", Status: localrun.Omitted, Message: "not started: pipeline"},
		{Name: "gate-prod", Status: localrun.Failed, Message: "not approved: gate-prod"},
		{Name: "gate-eu", Status: localrun.Omitted, Message: "not started: gate-prod"},
	}}, false, func(gate string) bool { return gate == "gate-eu" })
	assert.NotContains(t, s.text.String(), "gate-dev")
	assert.Regexp(t, `· gate-eu +not started: gate-prod\n`, s.text.String())
	assert.Regexp(t, `deploy-dev +not started: pipeline\n`, s.text.String())
	assert.Contains(t, s.text.String(), "not approved: gate-prod")
}
