package programs_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

const (
	troubleshooting = "../../../docs/troubleshooting.md"
	failures        = "testdata/troubleshooting"
)

// TestTheTroubleshootingPageShowsWhatProgramsPrint makes each failure of the page happen. A script in
// testdata/troubleshooting begins with the text of its section as comments, and takes the screen of the
// section with the command "screen".
func TestTheTroubleshootingPageShowsWhatProgramsPrint(t *testing.T) {
	bin := build(t)
	screens := screens{taken: map[string]string{}}
	t.Run("failures", func(t *testing.T) {
		p := params(t, bin)
		p.Dir = failures
		setUp := p.Setup
		p.Setup = func(env *testscript.Env) error {
			env.Setenv("APHEX_LOG_FORMAT", "text")
			return setUp(env)
		}
		p.Cmds["screen"], p.Cmds["simulated"] = screens.take, simulated(t)
		testscript.Run(t, p)
	})
	if t.Failed() {
		return
	}
	got := troubleshootingPage(t, screens.taken)
	if *update {
		require.NoError(t, os.WriteFile(troubleshooting, []byte(got), 0o644))
	}
	want, err := os.ReadFile(troubleshooting)
	require.NoError(t, err)
	assert.Equal(t, string(want), got, "run make golden, and review the difference")
}

// screens are what scripts took, by the names of their files.
type screens struct {
	mu    sync.Mutex
	taken map[string]string
}

// take SHOWN COMMAND... runs a command that must fail, and takes what a reader needs to recognize the failure: of a run
// its cause, otherwise the error. SHOWN is the command as the page shows it.
func (s *screens) take(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: screen SHOWN COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		ts.Fatalf("%s did not fail: %v", args[1], err)
	}
	text := excerpt(ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	text = strings.ReplaceAll(text, ts.Getenv("WORK")+"/", "")
	for _, v := range varying {
		text = v.pattern.ReplaceAllString(text, v.shown)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := filepath.Base(ts.Name())
	s.taken[name] += "$ " + args[0] + "\n" + strings.TrimRight(text, "\n") + "\n"
}

// simulated gives the script credentials of simulated accounts that are not bootstrapped.
func simulated(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		server, err := awssim.New(awssim.Options{})
		ts.Check(err)
		_, err = server.Start()
		ts.Check(err)
		t.Cleanup(func() { _ = server.Close() })
		keys := server.AddAccount("111111111111")
		server.AddAccount("222222222222")
		for _, variable := range keys.Env(server.URL(), "eu-west-1") {
			name, value, _ := strings.Cut(variable, "=")
			ts.Setenv(name, value)
		}
	}
}

// excerpt returns the cause of a run, or the error of a program.
func excerpt(stdout, stderr string) string {
	if _, cause, found := strings.Cut(stdout, "\nCause\n"); found {
		cause, _, _ = strings.Cut(cause, "\n\n")
		return "…\nCause\n" + cause
	}
	if at := strings.Index("\n"+stderr, "\nerror: "); at >= 0 {
		return stderr[at:]
	}
	return stdout + stderr
}

// varying is what differs between two runs of a script, and what the page shows for it.
var varying = []struct {
	pattern *regexp.Regexp
	shown   string
}{
	{regexp.MustCompile(`/tmp/[^\s:"]*/`), "/tmp/…/"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "3c9d0f…"},
	{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "4f1c2ab…"},
	{regexp.MustCompile(`\b[0-9]{2}:[0-9]{2}:[0-9]{2}\b`), "12:00:00"},
	{regexp.MustCompile(`\b[0-9]+\.[0-9]+s\b`), "1.2s"},
	{regexp.MustCompile(`\bafter [0-9.]+m?s\b`), "after 1s"},
	{regexp.MustCompile(`\bcommit [0-9a-f]{10}\b`), "commit 4f1c2ab0de"},
	{regexp.MustCompile(`(?m)^ +(at .*\(node:internal.*|at .*node:internal.*|Node\.js v.*)\n`), ""},
	{regexp.MustCompile(`127\.0\.0\.1:[0-9]+`), "127.0.0.1:4566"},
	{regexp.MustCompile(`\b([a-z-]+)-20[0-9]{6}-[0-9]{6}(-[0-9]+)?\b`), "$1-20261127-120000"},
}

// troubleshootingPage renders docs/troubleshooting.md from the scripts and their screens. A file named NN-name.txtar with the title of a
// group instead of a script begins a group.
func troubleshootingPage(t *testing.T, screens map[string]string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(failures, "*"))
	require.NoError(t, err)
	var text strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		if filepath.Ext(file) == ".md" {
			text.Write(content)
			continue
		}
		lines := comments(content)
		require.NotEmpty(t, lines, file)
		screen := screens[strings.TrimSuffix(filepath.Base(file), ".txtar")]
		require.NotEmpty(t, screen, "%s takes no screen", file)
		fmt.Fprintf(&text, "\n### %s\n```console\n%s```\n%s\n", lines[0], screen, strings.Join(lines[1:], "\n"))
	}
	return text.String() + "\n**Source**\n- `internal/tests/programs/testdata/troubleshooting`, which makes each failure happen\n"
}

// comments returns the comments at the head of a script.
func comments(script []byte) (lines []string) {
	for line := range bytes.Lines(script) {
		text, is := strings.CutPrefix(string(bytes.TrimRight(line, "\n")), "#")
		if !is {
			break
		}
		lines = append(lines, strings.TrimPrefix(text, " "))
	}
	return lines
}
