package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aphex/aphex-pipeline/e2e/node"
)

var (
	images    = flag.String("images", "../bin/images", "folder with the archives of the stages' images")
	tag       = flag.String("tag", "0.0.0", "tag of the stages' images, which are called docker.io/aphex/<stage>")
	generator = flag.String("generator", "../bin/generator", "the program generator")
	figures   = flag.String("figures", "", "file of make bench that gets the figures of a run in the cluster as well")
	diagnosis = flag.String("diagnosis", "../.cache/e2e", "folder for what is known of a failure")
)

// programsVariable passes the paths of programs from the outer process to the inner one.
const programsVariable = "APHEX_E2E_PROGRAMS"

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(node.Tests{
		Prepare: prepare, Up: shared.open, Failed: shared.diagnose, Down: shared.close,
	}.Main(m.Run))
}

// prepare builds missing programs of the cluster.
func prepare() error {
	cmd := exec.Command("./programs")
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("building the programs of the cluster: %w", err)
	}
	return os.Setenv(programsVariable, string(output))
}

func programs() node.Programs {
	found := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(os.Getenv(programsVariable)), "\n") {
		name, folder, _ := strings.Cut(line, " ")
		found[name] = folder
	}
	return node.Programs{Kubernetes: found["kubernetes"], Policies: found["kube-router"], Workflows: found["argo-workflows"], Events: found["argo-events"], BuildKit: found["buildkit"]}
}
