package pipelinerun

import (
	"io"
	"testing"

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

// Every environment has a gate, whether it needs an approval or not.
func TestAGateThatWasNotReachedIsListedIfItRequiresAnApproval(t *testing.T) {
	s := &summary{console: newConsole(io.Discard)}
	s.stages(localrun.Result{Steps: []localrun.StepResult{
		{Name: "pipeline", Status: localrun.Failed, Message: "exit code 2"},
		{Name: "approve-dev", Status: localrun.Omitted, Message: "not started: pipeline"},
		{Name: "deploy-dev", Status: localrun.Omitted, Message: "not started: pipeline"},
		{Name: "approve-prod", Status: localrun.Failed, Message: "not approved: approve-prod"},
		{Name: "approve-eu", Status: localrun.Omitted, Message: "not started: approve-prod"},
	}}, false, func(gate string) bool { return gate == "approve-eu" })
	assert.NotContains(t, s.text.String(), "approve-dev")
	assert.Regexp(t, `· approve-eu +not started: approve-prod\n`, s.text.String())
	assert.Regexp(t, `deploy-dev +not started: pipeline\n`, s.text.String())
	assert.Contains(t, s.text.String(), "not approved: approve-prod")
}
