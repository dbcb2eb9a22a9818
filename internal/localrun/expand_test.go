package localrun

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestTheKubeletExpandsNoValueOfAPush is T1 and T22 for the last that evaluates a value: the
// rules are those of the kubelet (Kubernetes API, EnvVar.value, and its package expansion).
// With every $ doubled, as the pipeline renders values, each text arrives as it is.
func TestTheKubeletExpandsNoValueOfAPush(t *testing.T) {
	before := []string{"APHEX_COMMIT=old", "APHEX_COMMIT=0123", "EMPTY=", "LOOP=$(APHEX_COMMIT)"}
	expands := 0
	for text, want := range map[string]string{
		"$(APHEX_COMMIT)": "0123", "a$(APHEX_COMMIT)b$(APHEX_COMMIT)": "a0123b0123", "$(EMPTY)": "", "$(LOOP)": "$(APHEX_COMMIT)",
		"$$(APHEX_COMMIT)": "$(APHEX_COMMIT)", "$$$(APHEX_COMMIT)": "$0123", "$$$$(APHEX_COMMIT)": "$$(APHEX_COMMIT)", "$$": "$", "a$$b": "a$b",
		"$(MISSING)": "$(MISSING)", "$APHEX_COMMIT": "$APHEX_COMMIT", "${APHEX_COMMIT}": "${APHEX_COMMIT}", "$": "$", "$(": "$(", "$(APHEX_COMMIT": "$(APHEX_COMMIT", "$()": "$()",
		"$(A$(APHEX_COMMIT))": "$(A$(APHEX_COMMIT))", "$(A(b)": "$(A(b)", "$(APHEX_COMMIT)$": "0123$", "$x$(APHEX_COMMIT)": "$x0123", "$(aphex_commit)": "$(aphex_commit)",
		"`id`": "`id`", "$(id)": "$(id)", "{{workflow.name}}": "{{workflow.name}}",
	} {
		if got := expand(text, before); assert.Equal(t, want, got, text) && got != text {
			expands++ // so the kubelet would change it
		}
		assert.Equal(t, text, expand(strings.ReplaceAll(text, "$", "$$"), before), "%s, as it is rendered", text)
	}
	assert.Greater(t, expands, 8)
}
