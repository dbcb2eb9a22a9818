package synth_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
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
