package proc_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/commandtest"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
)

// TestWhoEndsOnlyTheGroupOfACommandLeavesWhatLeftIt shows that each escape that a Runner
// ends succeeds where a command ends with its group.
func TestWhoEndsOnlyTheGroupOfACommandLeavesWhatLeftIt(t *testing.T) {
	for name, escape := range commandtest.Escapes {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			pidFile := filepath.Join(t.TempDir(), "pid")
			cmd := exec.Command("sh", "-c", commandtest.LeaveBehind(escape, "true"), pidFile)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			require.NoError(t, cmd.Run())
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			text, err := os.ReadFile(pidFile)
			require.NoError(t, err)
			left, err := strconv.Atoi(strings.TrimSpace(string(text)))
			require.NoError(t, err)
			time.Sleep(50 * time.Millisecond)
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", left))
			require.NoError(t, err)
			assert.NotContains(t, string(stat), ") Z ", "it still runs")
			assert.NoError(t, syscall.Kill(left, syscall.SIGKILL))
		})
	}
}

// TestACommandIsStoppedWhenItsParentIsKilled runs a command in another process, kills
// that process, and reads the output of the command.
func TestACommandIsStoppedWhenItsParentIsKilled(t *testing.T) {
	const parent = "PROC_TEST_PARENT"
	script := `trap 'echo stopped; exit' TERM; echo started; for i in $(seq 100); do sleep 0.1; done; echo orphaned`
	if os.Getenv(parent) != "" {
		_ = proc.Runner{}.Run(context.Background(), command.Command{
			Args: []string{"sh", "-c", script}, Env: os.Environ(), Stdout: os.Stdout,
		})
		return
	}
	t.Parallel()
	killed := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	killed.Env = append(os.Environ(), parent+"=1")
	output, err := killed.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scanner := bufio.NewScanner(output); scanner.Scan(); {
		lines = append(lines, scanner.Text())
		if scanner.Text() == "started" {
			_ = killed.Process.Kill()
		}
	}
	_ = killed.Wait()
	if got := strings.Join(lines, " "); got != "started stopped" {
		t.Errorf("the command printed %q, not that it was stopped", got)
	}
}
