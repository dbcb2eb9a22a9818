package proc_test

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

	"github.com/aphex/aphex-pipeline/internal/command/proc"
)

func TestOutputErrorAndInputAreConnected(t *testing.T) {
	var out, errOut bytes.Buffer
	err := proc.Run(t.Context(), proc.Command{
		Args: proc.Shell(`cat; echo "$GREETING" >&2; pwd`), Dir: "/", Env: []string{"GREETING=hello", "PATH=" + os.Getenv("PATH")},
		Stdin: strings.NewReader("from input\n"), Stdout: &out, Stderr: &errOut,
	})
	require.NoError(t, err)
	assert.Equal(t, "from input\n/\n", out.String())
	assert.Equal(t, "hello\n", errOut.String())
}

func TestOneWriterForBothKeepsTheOrder(t *testing.T) {
	var out bytes.Buffer
	c := proc.Command{Args: proc.Shell(`for i in 1 2 3; do echo out $i; echo err $i >&2; done`), Stdout: &out, Stderr: &out}
	require.NoError(t, proc.Run(t.Context(), c))
	assert.Equal(t, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n", out.String())
}

func TestACommandTextThatStartsWithADashIsNoOption(t *testing.T) {
	err := proc.Run(t.Context(), proc.Command{Args: proc.Shell(`-x; exit 7`)})
	var exit *proc.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 7, exit.Code)
}

func TestTheExitCodeIsTold(t *testing.T) {
	err := proc.Run(t.Context(), proc.Command{Args: []string{"sh", "-c", "exit 42 # s3cret"}})
	var exit *proc.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 42, exit.Code)
	assert.Equal(t, "sh exited with code 42", err.Error(), "arguments may hold a secret")
}

func TestASignalIsTold(t *testing.T) {
	err := proc.Run(t.Context(), proc.Command{Args: []string{"sh", "-c", "kill -9 $$"}})
	var exit *proc.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, "killed", exit.Signal)
	assert.Equal(t, `sh was ended by signal "killed"`, err.Error())
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	err := proc.Run(t.Context(), proc.Command{Args: []string{"no-such-program"}})
	assert.ErrorContains(t, err, `starting "no-such-program"`)
	assert.ErrorContains(t, proc.Run(t.Context(), proc.Command{}), "no program given")
}

func TestCancellingLetsAProgramStopInOrder(t *testing.T) {
	out := runCancelled(t, `trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done`, 10*time.Second)
	assert.Equal(t, "ready\nbye\n", out)
}

func TestCancellingReachesTheWholeGroupInOrder(t *testing.T) {
	t.Parallel()
	out := runCancelled(t, `sh -c 'trap "sleep 0.3; echo child stopped; exit 0" TERM; echo ready; while :; do sleep 0.05; done'; true`, 10*time.Second)
	assert.Contains(t, out, "child stopped", "the shell dies at once, its child needs a moment")
}

func TestIgnoringSIGTERMEndsInSIGKILL(t *testing.T) {
	t.Parallel()
	began := time.Now()
	runCancelled(t, `trap '' TERM; echo ready; while :; do sleep 0.05; done`, 300*time.Millisecond)
	assert.Less(t, time.Since(began), 5*time.Second)
}

// runCancelled runs text and cancels it when it has written its first line.
func runCancelled(t *testing.T, text string, grace time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &readyBuffer{ready: cancel}
	err := proc.Run(ctx, proc.Command{Args: proc.Shell(text), Stdout: out, Grace: grace})
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

func TestTheLimitStopsTheGroup(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	c := proc.Command{
		Args: []string{"sh", "-c", `sleep 300 & echo $! > "$0"; wait`, pidFile}, Limit: 200 * time.Millisecond, Grace: time.Second,
	}
	err := proc.Run(t.Context(), c)
	var limit *proc.LimitError
	require.ErrorAs(t, err, &limit)
	assert.Equal(t, "sh was stopped after its limit of 200ms", err.Error())
	assertGone(t, pidFile)
}

func TestABackgroundProcessDoesNotOutliveItsLeader(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	var out bytes.Buffer
	began := time.Now()
	err := proc.Run(t.Context(), proc.Command{
		Args: []string{"sh", "-c", `sleep 300 & echo $! > "$0"; echo done`, pidFile}, Stdout: &out,
	})
	require.NoError(t, err)
	assert.Equal(t, "done\n", out.String())
	assert.Less(t, time.Since(began), 2*time.Second)
	assertGone(t, pidFile)
}

func TestABackgroundWriterMayFinishAtOnce(t *testing.T) {
	var out bytes.Buffer
	c := proc.Command{Args: []string{"sh", "-c", `(sleep 0.1; echo late) & echo early`}, Stdout: &out}
	require.NoError(t, proc.Run(t.Context(), c))
	assert.Equal(t, "early\nlate\n", out.String())
}

func TestADaemonThatLeftTheGroupDoesNotHoldUs(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	began := time.Now()
	var out bytes.Buffer
	err := proc.Run(t.Context(), proc.Command{
		Args: []string{"sh", "-c", `setsid sleep 20 & echo $! > "$0"; sleep 0.1; echo done`, pidFile}, Stdout: &out,
	})
	require.NoError(t, err)
	assert.Equal(t, "done\n", out.String())
	assert.Less(t, time.Since(began), 10*time.Second)
	_ = syscall.Kill(readPID(t, pidFile), syscall.SIGKILL)
}

func TestClosingItsOutputDoesNotHideAProgram(t *testing.T) {
	began := time.Now()
	var out bytes.Buffer
	err := proc.Run(t.Context(), proc.Command{Args: []string{"sh", "-c", `exec >&- 2>&-; sleep 0.3; exit 3`}, Stdout: &out, Stderr: &out})
	var exit *proc.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 3, exit.Code)
	assert.GreaterOrEqual(t, time.Since(began), 300*time.Millisecond)
}

func TestAGigabyteOfOutputNeedsBoundedMemory(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	count := &countingWriter{}
	require.NoError(t, proc.Run(t.Context(), proc.Command{Args: []string{"sh", "-c", "head -c 1073741824 /dev/zero"}, Stdout: count}))
	runtime.ReadMemStats(&after)
	assert.Equal(t, 1<<30, count.bytes)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
}

type countingWriter struct{ bytes int }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.bytes += len(p)
	return len(p), nil
}

func TestAFailingWriterIsToldAndTheProgramGoesOn(t *testing.T) {
	done := filepath.Join(t.TempDir(), "done")
	err := proc.Run(t.Context(), proc.Command{
		Args: []string{"sh", "-c", `head -c 1000000 /dev/zero; touch "$0"`, done}, Stdout: fullWriter{},
	})
	require.ErrorIs(t, err, errFull)
	assert.FileExists(t, done)
}

var errFull = errors.New("no space left")

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

func TestASlowReaderOfTheOutputLosesNothing(t *testing.T) {
	t.Parallel()
	slow := &slowWriter{}
	c := proc.Command{Args: []string{"sh", "-c", "head -c 60000 /dev/zero"}, Stdout: slow}
	require.NoError(t, proc.Run(t.Context(), c))
	assert.Equal(t, 60000, slow.bytes)
}

type slowWriter struct{ countingWriter }

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(2100 * time.Millisecond)
	return w.countingWriter.Write(p)
}

func TestAnEndedContextStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "made")
	assert.ErrorIs(t, proc.Run(ctx, proc.Command{Args: []string{"touch", file}}), context.Canceled)
	assert.NoFileExists(t, file)
}

func TestAnInputThatNeverComesDoesNotHoldUs(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	defer writer.Close()
	began := time.Now()
	require.NoError(t, proc.Run(t.Context(), proc.Command{Args: []string{"true"}, Stdin: reader}))
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
		return strings.Contains(string(stat), ") Z ") // dead, its new parent has not looked yet
	}, 2*time.Second, 10*time.Millisecond, "process %d still runs", pid)
}
