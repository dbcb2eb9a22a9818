package stage_test

import (
	"strings"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/stage"
)

// FuzzStepOutputs holds that no outputs of a step make the readers of other steps panic.
func FuzzStepOutputs(f *testing.F) {
	f.Add(`{"run":"shop-2","template":"t","artifact":"a","digest":"sha256:0a","gates":"prod"}`)
	f.Add(`[{"environment":"dev","name":"Api","account":"1","region":"r","reason":"is not in the app any more","unknown":"u"}]`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, output string) {
		handover, err := stage.ParseHandover(output)
		if handover != nil && err != nil {
			t.Errorf("%q is a handover and an error: %v", output, err)
		}
		for _, removed := range stage.ParseRemoved(output) {
			if !strings.Contains(removed.String(), removed.Name) {
				t.Errorf("%q does not name %q", removed, removed.Name)
			}
		}
	})
}
