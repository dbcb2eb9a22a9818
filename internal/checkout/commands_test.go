package checkout

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

func TestCommandsRunInOrderInOneFolder(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	var seen []string
	results, err := RunCommands(t.Context(), []string{"echo one > file; X=leak; cd /", "cat file; echo \"x=$X in $(pwd)\" >&2", "echo $GREETING"}, ExecOptions{
		Runner: proc.Runner{},
		Dir:    dir, Env: Environ(os.Environ(), "GREETING=hello"), Out: &out, Observe: func(r CommandResult) { seen = append(seen, r.Command) },
	})
	require.NoError(t, err)
	require.Len(t, results, 3)
	assert.Equal(t, "$ echo one > file; X=leak; cd /\n$ cat file; echo \"x=$X in $(pwd)\" >&2\none\nx= in "+dir+"\n$ echo $GREETING\nhello\n", out.String())
	assert.Equal(t, []string{results[0].Command, results[1].Command, results[2].Command}, seen)
	assert.Equal(t, "one\nx= in "+dir, results[1].Tail)
	assert.Positive(t, results[0].Duration)
}

func TestTheFirstFailureStopsAndShowsTheOutput(t *testing.T) {
	dir := t.TempDir()
	results, err := RunCommands(t.Context(), []string{"true", "echo first; seq 1 30; echo the cause >&2; exit 3", "touch never"}, ExecOptions{Runner: proc.Runner{}, Dir: dir, Env: Environ(os.Environ())})
	require.Error(t, err)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Regexp(t, `command "echo first; .* failed with exit code 3 after \d`, err.Error())
	_, last, _ := strings.Cut(err.Error(), "\n  last output:\n")
	assert.True(t, strings.HasSuffix(last, "\n    29\n    30\n    the cause"), last)
	assert.NotContains(t, last, "first")
	assert.Empty(t, errs.HintOf(err))
	require.Len(t, results, 2)
	assert.Equal(t, 3, results[1].ExitCode)
	assert.NoFileExists(t, filepath.Join(dir, "never"))
}

func TestACommandThatReachesNoPackageIndexSaysSo(t *testing.T) {
	_, err := RunCommands(t.Context(), []string{"echo 'npm error network getaddrinfo ENOTFOUND npm.example.com'; seq 1 30; exit 1"}, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ())})
	require.Error(t, err)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "a package index, was not reached")
}

func TestACommandThatIsKilledSaysWhy(t *testing.T) {
	for _, command := range []string{"kill -9 $$", "sh -c 'kill -9 $$'", "exit 137"} {
		_, err := RunCommands(t.Context(), []string{command}, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ()), Memory: config.BuildMemory})
		assert.ErrorContains(t, err, "was killed after", command)
		assert.ErrorContains(t, err, "memory of its pod or machine is used up; in a pod, the container commands has the limit build.resources.limits.memory", command)
	}
}

func TestAFailureInTheMiddleOfACommandIsAFailure(t *testing.T) {
	for _, command := range []string{"false\ntrue", "false | cat", "false; true"} {
		_, err := RunCommands(t.Context(), []string{command}, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ())})
		assert.Error(t, err, command)
	}
	for _, command := range []string{"false || true", "if false; then :; fi", "echo $UNSET", "! true || :"} {
		_, err := RunCommands(t.Context(), []string{command}, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ())})
		assert.NoError(t, err, command)
	}
}

func TestACommandIsText(t *testing.T) {
	dir := t.TempDir()
	_, err := RunCommands(t.Context(), []string{`printf '%s' "$BRANCH" > out`}, ExecOptions{Runner: proc.Runner{}, Dir: dir, Env: Environ(os.Environ(), "BRANCH=zzz\";echo${IFS}\"hello\";# $(id) `id` {{workflow.name}}\n")})
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(dir, "out"))
	require.NoError(t, err)
	assert.Equal(t, "zzz\";echo${IFS}\"hello\";# $(id) `id` {{workflow.name}}\n", string(got))
}

func TestNoSecretIsInOutputResultOrError(t *testing.T) {
	const canary = "canary-5ecret-value"
	awsKey := "AKIA" + "IOSFODNN7EXAMPLE"
	var out bytes.Buffer
	command := `printf 'canary-5ec'; sleep 0.05; printf 'ret-value ` + awsKey[:7] + `'; sleep 0.05; echo '` + awsKey[7:] + ` end'; echo ` + canary + ` >&2; exit 1`
	results, err := RunCommands(t.Context(), []string{command}, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ()), Out: &out, Redactor: redact.New(canary)})
	require.Error(t, err)
	for what, text := range map[string]string{
		"output": out.String(), "error": err.Error(), "hint": errs.HintOf(err), "command": results[0].Command, "tail": results[0].Tail,
	} {
		assert.NotContains(t, text, canary, what)
		assert.NotContains(t, text, awsKey, what)
	}
	assert.Contains(t, out.String(), "[redacted] [redacted] end")
}

func TestTheLimitStopsACommandThatIgnoresSIGTERM(t *testing.T) {
	began := time.Now()
	_, err := RunCommands(t.Context(), []string{`trap '' TERM; echo waiting; while :; do sleep 0.05; done`}, ExecOptions{
		Runner: proc.Runner{},
		Env:    Environ(os.Environ()), Limit: 200 * time.Millisecond, Grace: 200 * time.Millisecond,
	})
	require.Error(t, err)
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, err.Error(), "exceeded its time limit of 200ms and was stopped")
	assert.Contains(t, err.Error(), "\n  last output:\n    waiting")
	assert.Less(t, time.Since(began), 5*time.Second)
}

func TestTheTimeoutOfAllCommandsStopsTheOneThatRunsWithItsGroupAndNamesItsKey(t *testing.T) {
	dir := t.TempDir()
	results, err := RunCommands(t.Context(), []string{"echo first", "sleep 300 & echo $! > pid; echo waiting; wait", "touch never"}, ExecOptions{
		Runner: proc.Runner{}, Dir: dir, Env: Environ(os.Environ()), Limit: time.Millisecond, // is not used
		Timeout: Timeout{Key: "build.timeout", Of: time.Second}, Grace: 200 * time.Millisecond,
	})
	require.ErrorContains(t, err, `command "sleep 300 & echo $! > pid; echo waiting; wait" was stopped after `)
	require.ErrorContains(t, err, "at the end of the 1s of build.timeout\n  last output:\n    waiting")
	assert.Equal(t, errs.Failed, errs.KindOf(err), "which is not retried")
	assert.Contains(t, errs.HintOf(err), "raise build.timeout in aphex-config.yaml")
	require.Len(t, results, 2)
	assert.Equal(t, -1, results[1].ExitCode)
	assert.NoFileExists(t, filepath.Join(dir, "never"))
	assertGone(t, filepath.Join(dir, "pid"))
}

func TestCommandsBeforeUseUpTheTimeoutOfThoseAfter(t *testing.T) {
	var slow []string
	for range 20 {
		slow = append(slow, "sleep 0.2")
	}
	results, err := RunCommands(t.Context(), slow, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ()), Timeout: Timeout{Key: "tests.timeout", Of: time.Second}, Grace: 200 * time.Millisecond})
	require.ErrorContains(t, err, "at the end of the 1s of tests.timeout")
	assert.LessOrEqual(t, len(results), 6)
}

func TestCancellingStopsTheCommandAndStartsNoOther(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	out := writerFunc(func(p []byte) {
		if strings.Contains(string(p), "ready") {
			cancel()
		}
	})
	results, err := RunCommands(ctx, []string{"sleep 300 & echo $! > pid; echo rea''dy; wait", "touch never"}, ExecOptions{Runner: proc.Runner{}, Dir: dir, Env: Environ(os.Environ()), Out: out, Grace: time.Second})
	require.Error(t, err)
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	require.Len(t, results, 1)
	assert.Equal(t, -1, results[0].ExitCode)
	assert.NoFileExists(t, filepath.Join(dir, "never"))
	assertGone(t, filepath.Join(dir, "pid"))
}

func assertGone(t *testing.T, pidFile string) {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	assert.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	}, 2*time.Second, 10*time.Millisecond)
}

type writerFunc func(p []byte)

func (f writerFunc) Write(p []byte) (int, error) {
	f(p)
	return len(p), nil
}

func TestEndlessOutputNeedsBoundedMemory(t *testing.T) {
	for name, command := range map[string]string{
		"in lines":    "yes 'a line of output' | head -c 134217728",
		"in one line": "head -c 134217728 /dev/zero | tr '\\0' x",
	} {
		t.Run(name, func(t *testing.T) {
			peak := watchMemory(t)
			results, err := RunCommands(t.Context(), []string{command}, ExecOptions{Runner: proc.Runner{}, Env: []string{"PATH=" + os.Getenv("PATH")}, Redactor: redact.New("canary-value")})
			assert.Less(t, peak(), uint64(64<<20), "of 128 MiB of output")
			if err != nil { // yes ends by SIGPIPE
				require.Contains(t, err.Error(), "141")
			}
			assert.LessOrEqual(t, len(results[0].Tail), 4<<10)
		})
	}
	peak := watchMemory(t)
	output, err := exec.Command("head", "-c", "104857600", "/dev/zero").Output()
	require.NoError(t, err)
	assert.Greater(t, peak(), uint64(64<<20), "of 100 MiB of output, for who keeps it")
	runtime.KeepAlive(output)
}

func TestACommandMayCloseItsOutput(t *testing.T) {
	_, err := RunCommands(t.Context(), []string{"exec >&- 2>&-; sleep 0.1; exit 4"}, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ())})
	require.Error(t, err)
	assert.Contains(t, err.Error(), "exit code 4")
	assert.Contains(t, errs.HintOf(err), "it printed nothing")
}

func TestAnOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	_, err := RunCommands(t.Context(), []string{"echo x"}, ExecOptions{Runner: proc.Runner{}, Env: Environ(os.Environ()), Out: brokenWriter{}})
	assert.ErrorContains(t, err, "no space left")
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestCommandsDoNotGetTheInputsOfTheStage(t *testing.T) {
	t.Setenv("APHEX_GIT_TOKEN", "t0ken")
	t.Setenv("KEPT", "kept")
	t.Setenv("REPLACED", "old")
	t.Setenv("CI", "true")
	environ := Environ(os.Environ(), "REPLACED=new")
	assert.NotContains(t, environ, "APHEX_GIT_TOKEN=t0ken")
	assert.Contains(t, environ, "KEPT=kept")
	assert.Contains(t, environ, "REPLACED=new")
	assert.NotContains(t, environ, "REPLACED=old")
	require.NoError(t, os.Unsetenv("CI"))
	assert.Contains(t, Environ(os.Environ()), "CI=true")
	assert.NotContains(t, Environ(os.Environ(), "CI=false"), "CI=true")
}

func TestTheLastLineOfACommandEndsBeforeTheNextBegins(t *testing.T) {
	var out bytes.Buffer
	_, err := RunCommands(t.Context(), []string{"printf done", "echo next", "true", "echo last"}, ExecOptions{
		Runner: proc.Runner{},
		Dir:    t.TempDir(), Env: os.Environ(), Out: &out,
	})
	require.NoError(t, err)
	assert.Equal(t, "$ printf done\ndone\n$ echo next\nnext\n$ true\n$ echo last\nlast\n", out.String())
}

func TestCommandsFindTheProgramsOfTheFoldersPackages(t *testing.T) {
	dir := t.TempDir()
	install := `mkdir -p node_modules/.bin && printf '#!/bin/sh\necho found\n' > node_modules/.bin/tool && chmod +x node_modules/.bin/tool`
	results, err := RunCommands(t.Context(), []string{install, "tool", "mkdir sub && cd sub && tool"},
		ExecOptions{Runner: proc.Runner{}, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH")}})
	require.NoError(t, err)
	assert.Equal(t, "found", results[1].Tail)
	assert.Equal(t, "found", results[2].Tail)
}
