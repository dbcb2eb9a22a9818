// Package commandtest tests the behaviour of a command.Runner.
package commandtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// Run tests a runner whose commands run on this machine, or on one that shares
// its files, processes and loopback interface.
func Run(t *testing.T, r command.Runner) {
	for _, behaviour := range behaviours {
		t.Run(behaviour.name, func(t *testing.T) { behaviour.holds(t, r) })
	}
}

// behaviours are what a caller relies on, each with the sentence that states it.
var behaviours = []struct {
	name  string
	holds func(t *testing.T, r command.Runner)
}{
	{"OutputErrorAndInputAreConnected", outputErrorAndInputAreConnected},
	{"OneWriterForBothKeepsTheOrder", oneWriterForBothKeepsTheOrder},
	{"ACommandTextThatStartsWithADashIsNoOption", aCommandTextThatStartsWithADashIsNoOption},
	{"TheExitCodeIsReported", theExitCodeIsReported},
	{"ASignalIsReported", aSignalIsReported},
	{"AProgramThatIsNotThereIsNamed", aProgramThatIsNotFoundIsNamed},
	{"CancellingLetsAProgramStopInOrder", cancellingLetsAProgramStopInOrder},
	{"CancellingReachesTheWholeGroupInOrder", cancellingReachesTheWholeGroupInOrder},
	{"IgnoringSIGTERMEndsInSIGKILL", ignoringSIGTERMEndsInSIGKILL},
	{"TheLimitStopsTheGroup", theLimitStopsTheGroup},
	{"ABackgroundProcessDoesNotOutliveItsLeader", aBackgroundProcessDoesNotOutliveItsLeader},
	{"ABackgroundWriterMayFinishAtOnce", aBackgroundWriterMayFinishAtOnce},
	{"ADaemonThatLeftTheGroupDoesNotHoldUs", aDaemonOutsideTheGroupDoesNotBlock},
	{"AProcessThatLeftTheGroupIsEnded", aProcessThatLeftTheGroupIsEnded},
	{"ClosingItsOutputDoesNotHideAProgram", closingItsOutputDoesNotHideAProgram},
	{"AGigabyteOfOutputNeedsBoundedMemory", aGigabyteOfOutputNeedsBoundedMemory},
	{"AFailingWriterIsReportedAndTheProgramGoesOn", aFailingWriterIsReportedAndTheProgramGoesOn},
	{"ASlowReaderOfTheOutputLosesNothing", aSlowReaderOfTheOutputLosesNothing},
	{"AnEndedContextStartsNothing", anEndedContextStartsNothing},
	{"AnInputThatNeverComesDoesNotHoldUs", anInputThatNeverEndsDoesNotBlock},
	{"TheEnvironmentIsThatOfCommandsThatAreGivenNone", theEnvironmentIsThatOfCommandsThatAreGivenNone},
	{"WhatIsSentIsAtItsPlace", whatIsSentIsAtItsPlace},
	{"WhatIsSentAgainReplacesWhatWasThere", whatIsSentAgainReplacesWhatWasThere},
	{"AFolderThatComesAsATarIsAtItsPlace", aFolderThatComesAsATarIsAtItsPlace},
	{"WhatCommandsMadeIsFetched", whatCommandsMadeIsFetched},
	{"AFileAloneIsSentAndFetched", aFileAloneIsSentAndFetched},
	{"ASelectionHasWhatItIncludes", aSelectionHasWhatItIncludes},
	{"WhatIsNotThereIsNotFetched", whatIsNotThereIsNotFetched},
	{"WhatCannotBeReadIsNamed", whatCannotBeReadIsNamed},
	{"AFolderOfTheCommandsOwnIsMadeAndRead", aFolderOfTheCommandsOwnIsMadeAndRead},
}

func outputErrorAndInputAreConnected(t *testing.T, r command.Runner) {
	var out, errOut bytes.Buffer
	err := r.Run(t.Context(), command.Command{
		Args: command.Shell(r, `cat; echo "$GREETING" >&2; pwd`), Dir: "/", Env: []string{"GREETING=hello", "PATH=" + os.Getenv("PATH")},
		Stdin: strings.NewReader("from input\n"), Stdout: &out, Stderr: &errOut,
	})
	require.NoError(t, err)
	assert.Equal(t, "from input\n/\n", out.String())
	assert.Equal(t, "hello\n", errOut.String())
}

func oneWriterForBothKeepsTheOrder(t *testing.T, r command.Runner) {
	var out bytes.Buffer
	c := command.Command{Args: command.Shell(r, `for i in 1 2 3; do echo out $i; echo err $i >&2; done`), Stdout: &out, Stderr: &out}
	require.NoError(t, r.Run(t.Context(), c))
	assert.Equal(t, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n", out.String())
}

func aCommandTextThatStartsWithADashIsNoOption(t *testing.T, r command.Runner) {
	err := r.Run(t.Context(), command.Command{Args: command.Shell(r, `-x; exit 7`)})
	var exit *command.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 7, exit.Code)
}

func theExitCodeIsReported(t *testing.T, r command.Runner) {
	err := r.Run(t.Context(), command.Command{Args: []string{"sh", "-c", "exit 42 # s3cret"}})
	var exit *command.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 42, exit.Code)
	assert.Equal(t, "sh exited with code 42", err.Error(), "arguments may hold a secret")
}

func aSignalIsReported(t *testing.T, r command.Runner) {
	err := r.Run(t.Context(), command.Command{Args: []string{"sh", "-c", "kill -9 $$"}})
	var exit *command.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, "killed", exit.Signal)
	assert.True(t, exit.Killed())
	assert.Equal(t, `sh was ended by signal "killed"`, err.Error())
}

func aProgramThatIsNotFoundIsNamed(t *testing.T, r command.Runner) {
	err := r.Run(t.Context(), command.Command{Args: []string{"no-such-program"}})
	require.ErrorIs(t, err, command.ErrNotFound)
	assert.ErrorContains(t, err, `starting "no-such-program"`)
	_, err = r.LookPath("no-such-program")
	require.ErrorIs(t, err, command.ErrNotFound)
	path, err := r.LookPath("sh")
	require.NoError(t, err)
	assert.NoError(t, r.Run(t.Context(), command.Command{Args: []string{path, "-c", "exit 0"}}))
	assert.ErrorContains(t, r.Run(t.Context(), command.Command{}), "no program given")
}

func cancellingLetsAProgramStopInOrder(t *testing.T, r command.Runner) {
	out := runCancelled(t, r, `trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done`, 10*time.Second)
	assert.Equal(t, "ready\nbye\n", out)
}

func cancellingReachesTheWholeGroupInOrder(t *testing.T, r command.Runner) {
	t.Parallel()
	out := runCancelled(t, r, `sh -c 'trap "sleep 0.3; echo child stopped; exit 0" TERM; echo ready; while :; do sleep 0.05; done'; true`, 10*time.Second)
	assert.Contains(t, out, "child stopped", "the shell dies at once, its child needs a moment")
}

func ignoringSIGTERMEndsInSIGKILL(t *testing.T, r command.Runner) {
	t.Parallel()
	began := time.Now()
	runCancelled(t, r, `trap '' TERM; echo ready; while :; do sleep 0.05; done`, 300*time.Millisecond)
	assert.Less(t, time.Since(began), 5*time.Second)
}

// runCancelled runs text and cancels it after its first line of output.
func runCancelled(t *testing.T, r command.Runner, text string, grace time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &readyBuffer{ready: cancel}
	err := r.Run(ctx, command.Command{Args: command.Shell(r, text), Stdout: out, Grace: grace})
	require.ErrorIs(t, err, context.Canceled)
	return out.String()
}

type readyBuffer struct {
	strings.Builder
	ready func()
}

func (b *readyBuffer) Write(p []byte) (int, error) {
	b.ready()
	return b.Builder.Write(p)
}

func theLimitStopsTheGroup(t *testing.T, r command.Runner) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	c := command.Command{
		Args: []string{"sh", "-c", `sleep 300 & echo $! > "$0"; wait`, pidFile}, Limit: 200 * time.Millisecond, Grace: time.Second,
	}
	err := r.Run(t.Context(), c)
	var limit *command.LimitError
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "sh was stopped after its limit of 200ms", err.Error())
	assertGone(t, pidFile)
}

func aBackgroundProcessDoesNotOutliveItsLeader(t *testing.T, r command.Runner) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	var out bytes.Buffer
	began := time.Now()
	err := r.Run(t.Context(), command.Command{
		Args: []string{"sh", "-c", `sleep 300 & echo $! > "$0"; echo done`, pidFile}, Stdout: &out,
	})
	require.NoError(t, err)
	assert.Equal(t, "done\n", out.String())
	assert.Less(t, time.Since(began), 2*time.Second)
	assertGone(t, pidFile)
}

func aBackgroundWriterMayFinishAtOnce(t *testing.T, r command.Runner) {
	var out bytes.Buffer
	c := command.Command{Args: []string{"sh", "-c", `(sleep 0.1; echo late) & echo early`}, Stdout: &out}
	require.NoError(t, r.Run(t.Context(), c))
	assert.Equal(t, "early\nlate\n", out.String())
}

// Escapes are the ways in which a process leaves its group, as scripts: each writes its
// process id to $0 and goes on.
var Escapes = map[string]string{
	"a session of its own":      `setsid sh -c 'echo $$ >"$0"; exec sleep 300' "$0"`,
	"a double fork":             `(setsid sh -c '(sh -c "echo \$\$ >\"\$0\"; exec sleep 300" "$0" &)' "$0" &)`,
	"a deaf one":                `setsid sh -c 'trap "" TERM HUP; echo $$ >"$0"; while :; do sleep 0.1; done' "$0"`,
	"a child of one that left":  `setsid sh -c 'sh -c "echo \$\$ >\"\$0\"; sleep 300; true" "$0"; true' "$0"`,
	"without variables":         `env -i PATH="$PATH" setsid sh -c 'echo $$ >"$0"; exec sleep 300' "$0"`,
	"one that keeps the output": `setsid sh -c 'echo $$ >"$0"; while :; do echo x; sleep 0.1; done' "$0"`,
	"a group of its own":        `bash -c 'set -m; sh -c "echo \$\$ >\"\$0\"; exec sleep 300" "$0" & disown' "$0" || sh -c 'echo $$ >"$0"'`,
}

// LeaveBehind is a script that goes on with another when its escape has succeeded.
func LeaveBehind(escape, then string) string {
	return escape + ` & while [ ! -s "$0" ]; do sleep 0.02; done; ` + then
}

// aProcessThatLeftTheGroupIsEnded is T30 and T11.
func aProcessThatLeftTheGroupIsEnded(t *testing.T, r command.Runner) {
	if runtime.GOOS != "linux" {
		return // only Linux lets a process adopt orphans
	}
	for name, escape := range Escapes {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "pid")
			var out bytes.Buffer
			began := time.Now()
			require.NoError(t, r.Run(t.Context(), command.Command{Args: []string{"sh", "-c", LeaveBehind(escape, "echo done"), pidFile}, Stdout: &out}))
			assert.Contains(t, out.String(), "done\n")
			assert.Less(t, time.Since(began), 8*time.Second)
			assertGone(t, pidFile)

			require.NoError(t, os.Remove(pidFile))
			ctx, cancel := context.WithCancel(t.Context())
			running := &readyBuffer{ready: cancel}
			err := r.Run(ctx, command.Command{
				Args: []string{"sh", "-c", LeaveBehind(escape, "echo ready; sleep 300"), pidFile}, Stdout: running, Grace: time.Second,
			})
			require.ErrorIs(t, err, context.Canceled)
			assertGone(t, pidFile)
		})
	}
}

func aDaemonOutsideTheGroupDoesNotBlock(t *testing.T, r command.Runner) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	began := time.Now()
	var out bytes.Buffer
	err := r.Run(t.Context(), command.Command{
		Args: []string{"sh", "-c", `setsid sleep 20 & echo $! > "$0"; sleep 0.1; echo done`, pidFile}, Stdout: &out,
	})
	require.NoError(t, err)
	assert.Equal(t, "done\n", out.String())
	assert.Less(t, time.Since(began), 10*time.Second)
	_ = syscall.Kill(readPID(t, pidFile), syscall.SIGKILL)
}

func closingItsOutputDoesNotHideAProgram(t *testing.T, r command.Runner) {
	began := time.Now()
	var out bytes.Buffer
	err := r.Run(t.Context(), command.Command{Args: []string{"sh", "-c", `exec >&- 2>&-; sleep 0.3; exit 3`}, Stdout: &out, Stderr: &out})
	var exit *command.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 3, exit.Code)
	assert.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond)
}

func aGigabyteOfOutputNeedsBoundedMemory(t *testing.T, r command.Runner) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count := &countingWriter{}
	require.NoError(t, r.Run(t.Context(), command.Command{Args: []string{"sh", "-c", "head -c 1073741824 /dev/zero"}, Stdout: count}))
	runtime.ReadMemStats(&after)
	assert.Equal(t, 1<<30, count.bytes)
	if !raceDetector { // with it, a sync.Pool drops buffers at random
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
	}
}

type countingWriter struct{ bytes int }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes += len(p)
	return len(p), nil
}

func aFailingWriterIsReportedAndTheProgramGoesOn(t *testing.T, r command.Runner) {
	done := filepath.Join(t.TempDir(), "done")
	err := r.Run(t.Context(), command.Command{
		Args: []string{"sh", "-c", `head -c 1000000 /dev/zero; touch "$0"`, done}, Stdout: fullWriter{},
	})
	require.ErrorIs(t, err, errFull)
	assert.FileExists(t, done)
}

var errFull = errors.New("no space left")

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

func aSlowReaderOfTheOutputLosesNothing(t *testing.T, r command.Runner) {
	t.Parallel()
	slow := &slowWriter{}
	c := command.Command{Args: []string{"sh", "-c", "head -c 60000 /dev/zero"}, Stdout: slow}
	require.NoError(t, r.Run(t.Context(), c))
	assert.Equal(t, 60000, slow.bytes)
}

type slowWriter struct{ countingWriter }

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(2100 * time.Millisecond)
	return w.countingWriter.Write(p)
}

func anEndedContextStartsNothing(t *testing.T, r command.Runner) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "made")
	assert.ErrorIs(t, r.Run(ctx, command.Command{Args: []string{"touch", file}}), context.Canceled)
	assert.NoFileExists(t, file)
}

func anInputThatNeverEndsDoesNotBlock(t *testing.T, r command.Runner) {
	t.Parallel()
	reader, writer := io.Pipe()
	defer writer.Close()
	began := time.Now()
	require.NoError(t, r.Run(t.Context(), command.Command{Args: []string{"true"}, Stdin: reader}))
	assert.Less(t, time.Since(began), 5*time.Second)
}

func readPID(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return pid
}

func assertGone(t *testing.T, pidFile string) {
	t.Helper()
	pid := readPID(t, pidFile)
	assert.Eventually(t, func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return syscall.Kill(pid, 0) != nil
		}
		return strings.Contains(string(stat), ") Z ") // a zombie: dead, but not yet reaped
	}, 2*time.Second, 10*time.Millisecond, "process %d still runs", pid)
}
