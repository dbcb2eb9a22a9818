package synth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// TestContextThatIsNoFileOfTheWorkspaceIsRefused is T19.
func TestContextThatIsNoFileOfTheWorkspaceIsRefused(t *testing.T) {
	for _, file := range []string{"cdk.context.json", "cdk.json"} {
		for _, target := range []string{"/dev/zero", "/proc/self/environ", "../../secret.json"} {
			top := t.TempDir()
			app := filepath.Join(top, "app")
			require.NoError(t, os.Mkdir(app, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(app, "cdk.json"), []byte(`{"app":"false"}`), 0o644))
			require.NoError(t, os.RemoveAll(filepath.Join(app, file)))
			require.NoError(t, os.Symlink(target, filepath.Join(app, file)))
			_, err := synth.Synthesize(t.Context(), synth.Options{Runner: proc.Runner{}, App: app, Top: top, Out: filepath.Join(t.TempDir(), "out"), Env: os.Environ()})
			assert.ErrorContains(t, err, file+": ", target)
			assert.ErrorContains(t, err, "escapes", target)
		}
	}
}

// TestASecretOfAnAppThatFailsIsMaskedBeforeItsErrorIsCut is T20.
func TestASecretOfAnAppThatFailsIsMaskedBeforeItsErrorIsCut(t *testing.T) {
	const secret = "canary-value-1234"
	for shift := range len(secret) {
		app := t.TempDir()
		command := fmt.Sprintf(`echo 'Error: %s%s'; exit 1`, strings.Repeat("x", 500-len("Error: ")-shift), secret)
		require.NoError(t, os.WriteFile(filepath.Join(app, "cdk.json"), []byte(fmt.Sprintf(`{"app":%q}`, command)), 0o644))
		var out strings.Builder
		_, err := synth.Synthesize(t.Context(), synth.Options{
			Runner: proc.Runner{}, App: app, Out: filepath.Join(t.TempDir(), "out"), Env: os.Environ(), Redactor: redact.New(secret), Output: &out,
		})
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "xcan", "shift %d", shift)
		assert.NotContains(t, out.String(), secret)
	}
}
