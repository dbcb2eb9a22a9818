package proc_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
)

// stopped calls Hurry when its command has been asked to stop.
type stopped struct{ stop context.CancelFunc }

func (s stopped) Write(p []byte) (int, error) {
	switch strings.TrimSpace(string(p)) {
	case "started":
		s.stop()
	case "asked":
		command.Hurry()
	}
	return os.Stdout.Write(p)
}

// TestACommandThatDoesNotStopIsKilledInAHurry runs in a process of its own, as a hurry is
// for the rest of a process.
func TestACommandThatDoesNotStopIsKilledInAHurry(t *testing.T) {
	const inside = "PROC_TEST_HURRY"
	const grace = 20 * time.Second
	if os.Getenv(inside) != "" {
		ctx, stop := context.WithCancel(context.Background())
		_ = proc.Runner{}.Run(ctx, command.Command{
			Args: []string{"sh", "-c", `trap 'echo asked' TERM; trap 'echo hurry' INT; echo started; while :; do sleep 0.1; done`},
			Env:  os.Environ(), Stdout: stopped{stop}, Grace: grace,
		})
		return
	}
	t.Parallel()
	hurried := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	hurried.Env = append(os.Environ(), inside+"=1")
	begin := time.Now()
	output, err := hurried.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if took := time.Since(begin); took >= grace {
		t.Errorf("it took %s", took)
	}
	if got := strings.Join(strings.Fields(string(output)), " "); !strings.HasPrefix(got, "started asked hurry") {
		t.Errorf("the command printed %q", got)
	}
}
