package localrun_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/localrun"
)

// TestTheFolderForTemporaryFilesIsShortEnoughForSockets guards tsx and other
// programs that listen on a socket below TMPDIR: see longestTemp.
func TestTheFolderForTemporaryFilesIsShortEnoughForSockets(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("a-long-name/", 8))
	require.NoError(t, os.MkdirAll(long, 0o755))
	for name, temp := range map[string]string{"a usual one": "/tmp", "a long one": long} {
		for outcome, code := range map[string]string{"succeeds": "0", "fails": "1"} {
			t.Run(name+", the step "+outcome, func(t *testing.T) {
				t.Setenv("TMPDIR", temp)
				var h harness
				template := head + dag("      - {name: a-step-with-a-long-name, template: b}\n") +
					strings.Replace(shell("b", "cd $TMPDIR && touch left && pwd; exit "+code, ""), "env: [", "env: [{name: TMPDIR, value: /aphex/tmp}, ", 1)
				parsed, err := localrun.Parse([]byte(template))
				require.NoError(t, err)
				options := h.options(t)
				options.Dir = filepath.Join(long, "runs")
				_, err = localrun.Run(context.Background(), parsed, options)
				require.NoError(t, err)
				used := strings.TrimSpace(h.log.String())
				require.NotEmpty(t, used)
				assert.LessOrEqual(t, len(used+"/tsx-4294967294/4194304.pipe"), 103-16, "16 bytes remain for folders of a stage")
				assert.NoDirExists(t, used, "it is removed")
			})
		}
	}
}

func TestTheFolderForTemporaryFilesOfAStoppedStepIsRemoved(t *testing.T) {
	var h harness
	template := head + dag("      - {name: slow, template: b}\n") +
		strings.Replace(shell("b", "echo $TMPDIR; touch $TMPDIR/left; sleep 60", ""), "env: [", "env: [{name: TMPDIR, value: /aphex/tmp}, ", 1)
	parsed, err := localrun.Parse([]byte(template))
	require.NoError(t, err)
	options := h.options(t)
	ctx, stop := context.WithCancel(context.Background())
	options.Observe = func(e localrun.Event) {
		if e.Kind == localrun.Started {
			go func() {
				for h.text() == "" {
					time.Sleep(5 * time.Millisecond)
				}
				stop()
			}()
		}
	}
	_, err = localrun.Run(ctx, parsed, options)
	require.NoError(t, err)
	assert.NoDirExists(t, strings.TrimSpace(h.text()))
}

func (h *harness) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}
