package layers

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThePackagesOfTheProductKeepToTheirLayers(t *testing.T) {
	packages := listPackages(t)
	require.NotEmpty(t, packages)
	for _, problem := range problems(packages) {
		t.Error(problem)
	}
}

func TestARuleThatIsBrokenIsReported(t *testing.T) {
	cases := map[string]struct {
		broken pkg
		report string
	}{
		"a package without a layer": {
			pkg{Path: "internal/utils"}, "internal/utils has no layer",
		},
		"a folder without a layer": {
			pkg{Path: "helpers"}, "helpers has no layer",
		},
		"a program that imports another": {
			pkg{Path: "cmd/builder", Imports: []string{"cmd/tester"}}, "cmd/builder (layer 8) imports cmd/tester (layer 8)",
		},
		"an import upwards": {
			pkg{Path: "internal/plan", Imports: []string{"stages/build"}}, "internal/plan (layer 2) imports stages/build (layer 4)",
		},
		"a package that imports one below its folder with a row of its own": {
			pkg{Path: "internal/awsauth", Imports: []string{"internal/awsauth/clients"}}, "internal/awsauth (layer 2) imports internal/awsauth/clients (layer 3)",
		},
		"an import sideways": {
			pkg{Path: "stages/build", Imports: []string{"stages/test"}}, "stages/build (layer 4) imports stages/test (layer 4)",
		},
		"a base package that imports another": {
			pkg{Path: "internal/config", Imports: []string{"internal/errs"}}, "internal/config (layer 0) imports internal/errs (layer 0)",
		},
		"a package for all that imports another": {
			pkg{Path: "internal/limits", Imports: []string{"internal/errs"}}, "internal/limits (layer 0) imports internal/errs (layer 0)",
		},
		"Kubernetes in a stage": {
			pkg{Path: "stages/pipeline", Imports: []string{"!k8s.io/client-go/dynamic"}}, "only internal/argo, internal/kube may",
		},
		"Argo in the local run": {
			pkg{Path: "internal/localrun", Imports: []string{"!github.com/argoproj/argo-workflows/v3/workflow/common"}}, "only internal/argo, internal/kube may",
		},
		"the AWS SDK in a stage": {
			pkg{Path: "stages/deploy", Imports: []string{"!github.com/aws/aws-sdk-go-v2/service/sts"}}, "stages/deploy imports github.com/aws/aws-sdk-go-v2/service/sts",
		},
		"the AWS SDK in a service of the simulator": {
			pkg{Path: "awssim/s3", Imports: []string{"!github.com/aws/aws-sdk-go-v2/service/s3"}}, "awssim/s3 imports github.com/aws/aws-sdk-go-v2/service/s3",
		},
		"a stage that starts programs": {
			pkg{Path: "stages/build", Imports: []string{"!os/exec"}}, "stages/build imports os/exec",
		},
		"an engine that chooses where commands run": {
			pkg{Path: "internal/deploy", Imports: []string{"internal/command/proc"}}, "internal/deploy imports github.com/aphex/aphex-pipeline/internal/command/proc",
		},
		"the simulator in a stage binary": {
			pkg{Path: "cmd/deployer", Imports: []string{"awssim"}}, "only internal/localrun/cloud, internal/install/installtest, internal/tests/bench, internal/tests/conformance and tests may",
		},
		"the simulator in an installation": {
			pkg{Path: "internal/install", Imports: []string{"awssim"}}, "only internal/localrun/cloud, internal/install/installtest, internal/tests/bench, internal/tests/conformance and tests may",
		},
		"the simulator using the product": {
			pkg{Path: "awssim/sts", Imports: []string{"internal/errs"}}, "the simulator imports internal/errs",
		},
		"a tester that carries Kubernetes": {
			pkg{Path: "cmd/tester", Deps: []string{"!k8s.io/api/core/v1"}}, "cmd/tester carries k8s.io/api/core/v1",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			found := problems([]pkg{c.broken.absolute()})
			require.Len(t, found, 1)
			assert.Contains(t, found[0], c.report)
		})
	}
}

func TestWhatTheRulesAllowIsNotReported(t *testing.T) {
	allowed := []pkg{
		{Path: "internal/stage", Imports: []string{"internal/errs", "internal/stage/contract", "!context"}},
		{Path: "stages/deploy", Imports: []string{"internal/deploy/cfn", "internal/errs"}},
		{Path: "internal/config", Imports: []string{"internal/limits"}},
		{Path: "stages", Imports: []string{"stages/build", "internal/stage/contract"}},
		{Path: "internal/config/schema", Imports: []string{"internal/config"}},
		{Path: "internal/kube", Imports: []string{"!k8s.io/client-go/dynamic"}},
		{Path: "internal/argo", Imports: []string{"!sigs.k8s.io/yaml", "internal/plan"}},
		{Path: "internal/deploy/cfn", Imports: []string{"!github.com/aws/aws-sdk-go-v2/service/cloudformation"}},
		{Path: "awssim", Imports: []string{"awssim/policy"}},
		{Path: "awssim/sigv4", Imports: []string{"!github.com/aws/aws-sdk-go-v2/aws/signer/v4"}},
		{Path: "internal/localrun/cloud", Imports: []string{"awssim"}},
		{Path: "internal/checkout/gittest", Imports: []string{"!os/exec"}},
		{Path: "cmd/generator", Imports: []string{"internal/localrun", "stages"}, Deps: []string{"!k8s.io/api/core/v1"}},
		{Path: "internal/install/installtest", Imports: []string{"awssim"}},
		{Path: "cmd/deployer", Imports: []string{"!github.com/aws/aws-sdk-go-v2/config"}, Deps: []string{"!k8s.io/api/core/v1"}},
	}
	for _, p := range allowed {
		assert.Empty(t, problems([]pkg{p.absolute()}), p.Path)
	}
}

// absolute turns the short paths of a table into import paths; those that start with "!" are complete already.
func (p pkg) absolute() pkg {
	long := func(paths []string) (full []string) {
		for _, path := range paths {
			if outside, ok := strings.CutPrefix(path, "!"); ok {
				full = append(full, outside)
			} else {
				full = append(full, module+path)
			}
		}
		return full
	}
	return pkg{Path: module + p.Path, Imports: long(p.Imports), Deps: long(p.Deps)}
}

// listPackages asks the go command for every package of the module, with what its non-test files import.
func listPackages(t *testing.T) []pkg {
	t.Helper()
	lookAtSources(t)
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Deps", "./...")
	list.Dir = "../../.."
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	require.NoError(t, err, stderr.String())

	var packages []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else {
			require.NoError(t, err)
		}
		packages = append(packages, p)
	}
}

// lookAtSources opens the folders of the module, so that go test's cache knows what the answer of go list depends on.
func lookAtSources(t *testing.T) {
	t.Helper()
	for _, top := range []string{"cmd", "internal", "stages"} {
		keep := func(_ string, _ fs.DirEntry, err error) error { return err }
		require.NoError(t, filepath.WalkDir(filepath.Join("..", "..", "..", top), keep))
	}
}
