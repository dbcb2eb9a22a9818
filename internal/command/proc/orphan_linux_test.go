package proc_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
)

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
