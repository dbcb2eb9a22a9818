package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

// cannot is the exit status on a machine that cannot run a cluster.
const cannot = 3

var (
	images    = flag.String("images", "../bin/images", "folder with the archives of the stages' images")
	tag       = flag.String("tag", "0.0.0", "tag of the stages' images, which are called docker.io/aphex/<stage>")
	generator = flag.String("generator", "../bin/generator", "the program generator")
	figures   = flag.String("figures", "", "file of make bench that gets the figures of a run in the cluster as well")
	diagnosis = flag.String("diagnosis", "../.cache/e2e", "folder for what is known of a failure")
)

// Variables by which the outer process tells the inner one what it found.
const (
	workVariable     = "APHEX_E2E_WORK"
	programsVariable = "APHEX_E2E_PROGRAMS"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if problems := node.Problems(); len(problems) > 0 {
		fmt.Fprintln(os.Stderr, "e2e: this machine cannot run a cluster:\n  "+strings.Join(problems, "\n  "))
		return cannot
	}
	work := os.Getenv(workVariable)
	if work == "" {
		made, err := prepare()
		if err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
		work = made
		defer os.RemoveAll(work)
	}
	if inside, status := node.Isolated(work, node.PodsGroup); !inside {
		return status
	}
	return within(m, work)
}

// prepare builds what is missing, outside, where there is a network.
func prepare() (work string, err error) {
	cmd := exec.Command("./programs")
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("building the programs of the cluster: %w", err)
	}
	if err := os.Setenv(programsVariable, string(output)); err != nil {
		return "", err
	}
	if work, err = os.MkdirTemp("", "aphex-e2e-"); err != nil {
		return "", err
	}
	return work, os.Setenv(workVariable, work)
}

func programs() node.Programs {
	found := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(os.Getenv(programsVariable)), "\n") {
		name, folder, _ := strings.Cut(line, " ")
		found[name] = folder
	}
	return node.Programs{Kubernetes: found["kubernetes"], Workflows: found["argo-workflows"], Events: found["argo-events"]}
}

// within brings everything up, runs the tests, and takes it down.
func within(m *testing.M, work string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	p, err := open(ctx, work)
	defer p.close()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		p.diagnose()
		return 1
	}
	shared = p
	status := make(chan int)
	go func() { status <- m.Run() }()
	select {
	case code := <-status:
		if code != 0 {
			p.diagnose()
		}
		return code
	case <-ctx.Done():
		return 130
	}
}
