package layers

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	module    = "github.com/aphex/aphex-pipeline/"
	simulator = "awssim"
)

// layer is a row of the layer table. A name stands for its subpackages too, unless they have a row of their own; these
// may import each other, so that a package can be split without a new name here. In "stages/*" each package of the
// folder is a name.
type layer struct {
	name, purpose string
	packages      []string
}

// layers are the packages of the product from the base up. docs/ARCHITECTURE.md shows this table: make golden.
var layers = []layer{
	0: {"base", "terms and small mechanisms that every package above may use", []string{
		"internal/errs", "internal/report/redact", "internal/command", "internal/deploy/schedule",
		"internal/report/screen", "internal/config/cdkapp", "internal/stage/contract", "internal/config",
		"internal/deploy/assembly", "internal/kube/manifest", "internal/deploy/diff", "internal/checkout/repository",
		"internal/awsauth/bootstrap", "internal/limits", "internal/notify/event",
	}},
	1: {"documents", "the artifact bucket, its keys and documents, the plan of a deployment, and signed statements", []string{"internal/bucket", "internal/deploy/planned", "internal/attest"}},
	2: {"tools", "each does one thing to the outside world, or computes one thing", []string{
		"internal/stage", "internal/plan", "internal/awsauth", "internal/deploy/assets",
		"internal/deploy/cfn", "internal/deploy/diagnosis", "internal/deploy/synth", "internal/checkout", "internal/command/cmdenv",
		"internal/command/remote",
		"internal/kube", "internal/report/page", "internal/report/progress", "internal/report/stdio",
		"internal/notify", "internal/notify/metric", "internal/deploy/gate", "internal/notify/github",
	}},
	3: {"engines", "render the pipeline and its AWS stack, deploy stacks, write a first configuration, make AWS clients", []string{
		"internal/argo", "internal/install/infra", "internal/deploy", "internal/config/scaffold", "internal/awsauth/clients",
	}},
	4: {"stages", "one package per stage: typed input, typed output", []string{"stages/*"}},
	5: {"contracts", "the contracts of all stages", []string{"stages"}},
	6: {"pipelines", "work on a whole pipeline: check it, install it, run it on this machine", []string{"internal/config/check", "internal/install", "internal/localrun"}},
	7: {"operations", "say what the runs of a pipeline did, wherever it is installed, and start others", []string{"internal/runs"}},
	8: {"programs", "parse flags, make clients, call, print", []string{"cmd/*", "construct/*"}},
	9: {"tests", "test and measure the product; nothing imports them", []string{
		"internal/tests/bench", "internal/tests/layers", "internal/tests/programs", "internal/tests/conformance",
		"internal/tests/words", "internal/tests/construct", "internal/tests/documents",
	}},
}

// everywhere are the packages that every package of the product may import; they import none.
var everywhere = []string{"internal/limits", "internal/awsauth/bootstrap"}

// simulating are the packages that may import the simulator; tests always may.
var simulating = []string{"internal/localrun/cloud", "internal/install/installtest", "internal/tests/bench", "internal/tests/conformance"}

// heavy are the libraries and packages that only some packages may import.
var heavy = []struct {
	prefixes []string
	allowed  []string
}{
	{
		[]string{"k8s.io/", "sigs.k8s.io/", "github.com/argoproj/"},
		[]string{"internal/argo", "internal/kube"},
	},
	{
		[]string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
		[]string{
			"internal/awsauth", "internal/bucket", "internal/deploy/assets", "internal/deploy/cfn", "internal/deploy/diagnosis", "internal/awsauth/clients", "internal/install",
			"internal/localrun", "cmd/*", "internal/tests/conformance", "awssim/sigv4",
		},
	},
	{
		[]string{"github.com/moby/buildkit/", "github.com/tonistiigi/", module + "internal/deploy/assets/buildkit"},
		[]string{"internal/deploy/assets/buildkit", "cmd/deployer"},
	},
	{
		[]string{"github.com/google/go-github"},
		[]string{"internal/notify/github"},
	},
	{ // whatever else runs a command does so through a command.Runner that it is given
		[]string{"os/exec"},
		[]string{
			"internal/command", "internal/config/cdkapp", "internal/localrun", "cmd/validator", "internal/tests/bench", "internal/tests/conformance",
			"internal/checkout/gittest", "internal/deploy/assembly/assemblytest",
		},
	},
	{
		[]string{module + "internal/command/proc"},
		[]string{"internal/localrun", "cmd/*", "internal/tests/bench", "internal/command/remote/remotetest"},
	},
}

// light are the exceptions: packages of a heavy family that weigh nothing.
var light = []string{"sigs.k8s.io/yaml", "github.com/aws/aws-sdk-go-v2/aws/arn"}

// lean are the programs that must not carry Kubernetes, not even through other packages.
var lean = []string{"cmd/validator", "cmd/builder", "cmd/tester", "cmd/commands"}

// pkg is a package as `go list -json` prints it.
type pkg struct {
	Path    string `json:"ImportPath"`
	Imports []string
	Deps    []string
}

// problems are all breaches of the rules, as sentences that say what to do.
func problems(packages []pkg) (found []string) {
	for _, p := range packages {
		found = append(found, layerProblems(p)...)
		found = append(found, heavyProblems(p)...)
		found = append(found, leanProblems(p)...)
	}
	return found
}

// layerProblems holds that imports go down only, and that the simulator and the product do not know each other.
func layerProblems(p pkg) (found []string) {
	name := strings.TrimPrefix(p.Path, module)
	unit, level, known := place(name)
	if !known {
		return []string{name + " has no layer: give it one in internal/tests/layers/rules_test.go, and run make golden"}
	}
	for _, imported := range p.Imports {
		other, ours := strings.CutPrefix(imported, module)
		if !ours {
			continue
		}
		otherUnit, otherLevel, _ := place(other)
		switch {
		case otherUnit == unit, slices.Contains(everywhere, otherUnit) && unit != simulator:
		case unit == simulator:
			found = append(found, fmt.Sprintf("the simulator imports %s (in %s): it must not know the product", other, name))
		case otherUnit == simulator:
			if !slices.Contains(simulating, unit) && !slices.Contains(simulating, name) {
				found = append(found, fmt.Sprintf("%s imports the simulator: only %s and tests may", name, strings.Join(simulating, ", ")))
			}
		case otherLevel >= level:
			found = append(found, fmt.Sprintf("%s (layer %d) imports %s (layer %d): imports go down only", name, level, other, otherLevel))
		}
	}
	return found
}

// place returns the unit that a package is part of, the longest name that fits, and the layer of that unit. The
// simulator is beside the layers.
func place(name string) (unit string, level int, known bool) {
	if within(name, simulator) {
		return simulator, -1, true
	}
	for n, row := range layers {
		for _, candidate := range row.packages {
			if folder, each := strings.CutSuffix(candidate, "*"); each && strings.HasPrefix(name, folder) {
				first, _, _ := strings.Cut(strings.TrimPrefix(name, folder), "/")
				candidate = folder + first
			}
			if within(name, candidate) && len(candidate) > len(unit) {
				unit, level, known = candidate, n, true
			}
		}
	}
	if !known {
		return name, len(layers), false
	}
	return unit, level, true
}

func heavyProblems(p pkg) (found []string) {
	name := strings.TrimPrefix(p.Path, module)
	unit, _, _ := place(name)
	allows := func(pattern string) bool {
		fits, _ := path.Match(pattern, unit)
		return fits || pattern == name
	}
	for _, rule := range heavy {
		for _, imported := range p.Imports {
			if belongs(imported, rule.prefixes) && !slices.ContainsFunc(rule.allowed, allows) {
				found = append(found, fmt.Sprintf("%s imports %s: only %s may", name, imported, strings.Join(rule.allowed, ", ")))
			}
		}
	}
	return found
}

// leanProblems reports the first Kubernetes package that a lean program carries: one names the whole tree behind it.
func leanProblems(p pkg) []string {
	name := strings.TrimPrefix(p.Path, module)
	if !slices.Contains(lean, name) {
		return nil
	}
	for _, dep := range p.Deps {
		if belongs(dep, heavy[0].prefixes) {
			return []string{fmt.Sprintf("%s carries %s: see `go mod why` and cut the import", name, dep)}
		}
	}
	return nil
}

func belongs(imported string, prefixes []string) bool {
	if slices.ContainsFunc(light, func(name string) bool { return within(imported, name) }) {
		return false
	}
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(imported, prefix) })
}

func within(name, parent string) bool {
	return name == parent || strings.HasPrefix(name, parent+"/")
}
