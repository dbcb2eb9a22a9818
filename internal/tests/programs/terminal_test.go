package programs_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/report/screen/screentest"
)

// window is a terminal with a program in it.
type window struct {
	mu       sync.Mutex
	terminal *screentest.Terminal
	seen     map[string]bool // every line that was ever on the screen after a write
	raw      strings.Builder
	master   *os.File
	program  *exec.Cmd
	read     chan struct{}
}

// openWindow starts a program in a terminal of a size.
func openWindow(t *testing.T, columns, rows uint16, program *exec.Cmd) *window {
	t.Helper()
	w := &window{terminal: screentest.New(int(columns), int(rows)), seen: map[string]bool{}, program: program, read: make(chan struct{})}
	var err error
	w.master, err = pty.StartWithSize(program, &pty.Winsize{Rows: rows, Cols: columns})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.master.Close() })
	go func() {
		defer close(w.read)
		_, _ = io.Copy(w, w.master) // ends with an error when the program has
	}()
	return w
}

func (w *window) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.raw.Write(p)
	n, err := w.terminal.Write(p)
	for _, line := range w.terminal.Lines() {
		w.seen[line] = true
	}
	return n, err
}

// widen adds columns to the window.
func (w *window) widen(t *testing.T, columns int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.terminal.Width = columns
	require.NoError(t, pty.Setsize(w.master, &pty.Winsize{Rows: uint16(w.terminal.Height), Cols: uint16(columns)}))
}

// shows waits until a line that was ever on the screen contains all words.
func (w *window) shows(t *testing.T, words ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return w.showed(words...) }, time.Minute, 20*time.Millisecond, "%q never was on the screen:\n%s", words, w.terminal.Text())
}

func (w *window) showed(words ...string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range w.seen {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			return true
		}
	}
	return false
}

// ends waits for the end of the program and gives its exit code.
func (w *window) ends(t *testing.T) int {
	t.Helper()
	err := w.program.Wait()
	<-w.read
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return w.program.ProcessState.ExitCode()
}

// isLeftInOrder holds that the shell, which comes next, finds a terminal as it was.
func (w *window) isLeftInOrder(t *testing.T) {
	t.Helper()
	assert.Empty(t, w.terminal.Unknown, "sequences")
	assert.False(t, w.terminal.Hidden, "the cursor is hidden")
	assert.False(t, w.terminal.NoWrap, "lines do not wrap")
	column, below := w.terminal.Cursor()
	assert.Equal(t, [2]int{0, 0}, [2]int{column, below}, "the cursor is not below the last line")
	for _, line := range w.terminal.Lines() {
		assert.NotRegexp(t, "^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", line, "a line that was to change was left behind")
	}
}

// TestADeploymentOnATerminal runs the real deployer in a real terminal.
func TestADeploymentOnATerminal(t *testing.T) {
	bin, state, app := build(t), filepath.Join(t.TempDir(), "state"), t.TempDir()
	require.NoError(t, copyState(t, bin, state))
	cloud, err := awssim.New(awssim.Options{Dir: filepath.Join(state, "aws"), Stacks: cloudformation.Options{
		ResourceTime: func(string, string) time.Duration { return 1500 * time.Millisecond },
	}})
	require.NoError(t, err)
	url, err := cloud.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	require.NoError(t, os.CopyFS(app, os.DirFS("testdata/app")))
	set := func(file, before, after string) {
		t.Helper()
		path := filepath.Join(app, file)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(data), before)
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(data), before, after, 1)), 0o644))
	}
	set("aphex-config.yaml", "    tests:", "    hooks:\n      preDeploy: [\"printf 'one\\\\rtwo\\\\n'; printf '\\\\033[2J'; echo three\"]\n    tests:")
	deploy := func(columns uint16, more ...string) *window {
		program := exec.Command(filepath.Join(bin, "deployer"), "environment", "--source", app, "--environment", "dev",
			"--commit", strings.Repeat("a", 40), "--bucket", "aphex-pipeline-artifacts-111111111111-eu-west-1")
		program.Env = append(cloud.AddAccount("111111111111").Over(os.Environ(), url, "eu-west-1"), append([]string{"TERM=xterm-256color", "CI=", "NO_COLOR="}, more...)...)
		return openWindow(t, columns, 30, program)
	}

	t.Run("is one line a stack", func(t *testing.T) {
		w := deploy(100)
		w.shows(t, "Base", "creating AWS::SSM::Parameter Own", "0/1")
		w.widen(t, 130)
		w.shows(t, "Api", "creating AWS::SSM")
		require.Zero(t, w.ends(t), w.terminal.Text())
		text := w.terminal.Text()
		assert.Regexp(t, `(?m)^✔ Base  created +1/1 +\d+\.\ds$`, text)
		assert.Regexp(t, `(?m)^✔ Api   created +1/1 +\d+\.\ds$`, text)
		assert.Regexp(t, `(?m)^two\n\\x1b\[2Jthree$`, text)
		assert.Equal(t, 1, strings.Count(text, "✔ Api"))
		w.isLeftInOrder(t)
		assert.Contains(t, w.raw.String(), "\x1b[32m✔", "in colour")
	})
	t.Run("says how long the last one took, without colours where they are not wanted", func(t *testing.T) {
		set("app.mjs", "Name: '/app/api', Type: 'String', Value: 'one'", "Name: '/app/api', Type: 'String', Value: 'two'")
		w := deploy(120, "NO_COLOR=1")
		require.Zero(t, w.ends(t), w.terminal.Text())
		assert.Regexp(t, `(?m)^✔ Base  unchanged .*last time \d+\.\ds$`, w.terminal.Text())
		assert.Regexp(t, `(?m)^✔ Api   updated .*last time \d+\.\ds$`, w.terminal.Text())
		w.isLeftInOrder(t)
		assert.NotRegexp(t, `\x1b\[[0-9;]*m`, w.raw.String())
	})
	t.Run("shows a failure above", func(t *testing.T) {
		set("app.mjs", "Name: '/app/api'", "Name: '/app/base'")
		w := deploy(250)
		require.Equal(t, 1, w.ends(t), w.terminal.Text())
		assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d  Api +\S+_FAILED +Own \(AWS::SSM::Parameter\)  .*exists`, w.terminal.Text())
		assert.Regexp(t, `(?m)^✖ Api   Own \(AWS::SSM::Parameter\): Resource handler .* last time`, w.terminal.Text())
		w.isLeftInOrder(t)
	})
	t.Run("leaves the terminal in order when it is interrupted", func(t *testing.T) {
		set("app.mjs", "Name: '/app/base', Type: 'String', Value: 'two'", "Name: '/app/other', Type: 'String', Value: 'two'")
		w := deploy(120)
		w.shows(t, "Api", "AWS::SSM::Parameter Own")
		_, err := w.master.Write([]byte{3}) // Ctrl-C
		require.NoError(t, err)
		assert.Equal(t, 143, w.ends(t), w.terminal.Text())
		w.isLeftInOrder(t)
	})
	t.Run("is lines in a CI system", func(t *testing.T) {
		w := deploy(200, "CI=true")
		require.Zero(t, w.ends(t), w.terminal.Text())
		assert.Regexp(t, `(?m)^\d\d:\d\d:\d\d  Base +finished +unchanged`, w.terminal.Text())
		assert.NotContains(t, w.raw.String(), "\x1b[?25l")
	})
}
