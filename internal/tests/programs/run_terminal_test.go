package programs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// showsLine waits until a line that was ever on the screen matches.
func (w *window) showsLine(t *testing.T, pattern string) {
	t.Helper()
	line := regexp.MustCompile(pattern)
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for seen := range w.seen {
			if line.MatchString(seen) {
				return true
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond, "%q never was on the screen", pattern)
}

// keys are pressed on the keyboard.
func (w *window) keys(t *testing.T, keys string) {
	t.Helper()
	_, err := w.master.WriteString(keys)
	require.NoError(t, err)
}

// TestARunOnATerminal runs the real generator in a real terminal.
func TestARunOnATerminal(t *testing.T) {
	bin, state, app := build(t), filepath.Join(t.TempDir(), "state"), t.TempDir()
	require.NoError(t, copyState(t, bin, state))
	require.NoError(t, os.CopyFS(app, os.DirFS("testdata/app")))
	config := filepath.Join(app, "aphex-config.yaml")
	data, err := os.ReadFile(config)
	require.NoError(t, err)
	text := strings.Replace(string(data), "    tests:", "    hooks:\n      preDeploy: [\"printf 'one\\\\rtwo\\\\n'; printf '\\\\033[2J\\\\033[41m'; sleep 1; printf end\"]\n    tests:", 1)
	text = strings.Replace(text, "  - name: prod", "  - name: prod\n    requiresApproval: true", 1)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
	commit := exec.Command("sh", "-c", "git init -q -b main && git add -A && git -c user.name=t -c user.email=t@example.com commit -qm Start")
	commit.Dir = app
	out, err := commit.CombinedOutput()
	require.NoError(t, err, "%s", out)
	run := func(columns uint16, more ...string) *window {
		program := exec.Command(filepath.Join(bin, "generator"), "run", "--source", app, "--state", state)
		program.Env = append(os.Environ(), append([]string{"TERM=xterm-256color", "CI=", "NO_COLOR="}, more...)...)
		return openWindow(t, columns, 40, program)
	}

	t.Run("leaves the terminal in order when it is interrupted", func(t *testing.T) {
		w := run(120)
		w.showsLine(t, `^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] deploy-dev +\$ printf 'one.* \d\.\ds$`)
		w.keys(t, "\x03") // Ctrl-C
		require.Equal(t, 143, w.ends(t), w.terminal.Text())
		left := w.terminal.Text()
		assert.Regexp(t, `(?m)^■ deploy-dev +stopped +\d+\.\ds$`, left, "the last state stands")
		assert.Regexp(t, `(?m)^\S+ stopped after \d+\.\ds$`, left)
		assert.Regexp(t, `(?m)^error: the run was stopped at deploy-dev$`, left)
		assert.NotContains(t, left, "canceled")
		w.isLeftInOrder(t)
	})
	t.Run("is one line a stage, and a question between", func(t *testing.T) {
		w := run(100)
		w.showsLine(t, `^✔ validate +\d\.\ds$`)
		w.widen(t, 140)
		w.showsLine(t, `^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] deploy-dev +.*(Base|Api).* \d+\.\ds$`)
		w.showsLine(t, `^gate-prod\? \[y/N\]$`)
		w.keys(t, "y\n")
		require.Zero(t, w.ends(t), w.terminal.Text())
		left := w.terminal.Text()
		assert.Regexp(t, `(?m)^  deploy-dev +│ two\n  deploy-dev +│ \\x1b\[2Jend$`, left, "what a command prints is inert")
		assert.Regexp(t, `(?ms)^gate-prod\? \[y/N\] y$.*^✔ gate-prod`, left)
		assert.Equal(t, 1, len(regexp.MustCompile(`(?m)^✔ build`).FindAllString(left, -1)), "a line of what succeeded is taken away:\n%s", left)
		w.isLeftInOrder(t)
	})
	t.Run("is lines where no colours are wanted", func(t *testing.T) {
		w := run(100, "NO_COLOR=1")
		w.keys(t, "n\n") // typed ahead of the question
		require.Equal(t, 1, w.ends(t), w.terminal.Text())
		assert.NotContains(t, w.raw.String(), "\x1b[?25l")
		assert.Regexp(t, `(?m)✖ gate-prod +error after \d\.\ds: not approved$`, strings.ReplaceAll(w.raw.String(), "\r\n", "\n"))
	})
}
