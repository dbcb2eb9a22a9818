package layers

import (
	"fmt"
	"slices"
	"strings"
)

const (
	module    = "github.com/aphex/aphex-pipeline/"
	simulator = "awssim"
)

// floors are the packages of the product from the ground up. A name stands for its subpackages too, which may import
// each other, so that a package can be split without a new name here.
var floors = [][]string{
	0: { // words: what everything speaks in; they import nothing of ours
		"internal/errs", "internal/report/redact", "internal/command/proc", "internal/deploy/schedule", "internal/report/screen", "internal/config/cdkapp",
		"internal/stage/contract", "internal/config", "internal/deploy/assembly", "internal/kube/manifest", "internal/deploy/diff",
		"internal/checkout/repository", "internal/command/remove",
	},
	1: { // tools: each does one thing to the world, or computes one thing
		"internal/stage", "internal/plan", "internal/awsauth", "internal/bucket", "internal/deploy/assets", "internal/deploy/cfn",
		"internal/deploy/synth", "internal/checkout", "internal/command/cmdenv", "internal/kube", "internal/report/progress",
	},
	2: {"internal/argo", "internal/infra", "internal/deploy", "internal/scaffold", "internal/awsauth/clients"}, // render, deploy, and the clients that programs make
	3: { // stages
		"stages/validation", "stages/build", "stages/pipeline", "stages/deploy", "stages/test", "stages/record",
		"stages/reconcile",
	},
	4: {"stages"},                                // the list of all stages
	5: {"internal/install", "internal/localrun"}, // what is done with a whole pipeline: in a cluster, on this machine
	6: {"cmd/validator", "cmd/builder", "cmd/deployer", "cmd/tester", "cmd/generator"},
	7: { // judges: they look at the product, nothing looks at them
		"internal/tests/bench", "internal/tests/layers", "internal/tests/programs", "internal/tests/conformance",
	},
}

// simulating are the packages that may import the simulator; tests always may.
var simulating = []string{"internal/localrun/cloud", "internal/install/installtest", "internal/tests/bench", "internal/tests/conformance"}

// shelves are the packages whose subpackages have floors of their own.
var shelves = []string{"stages", "cmd"}

// heavy are the libraries that only some packages may import.
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
			"internal/awsauth", "internal/bucket", "internal/deploy/assets", "internal/deploy/cfn", "internal/awsauth/clients", "internal/install",
			"internal/localrun", "cmd/validator", "cmd/builder", "cmd/deployer", "cmd/tester", "internal/tests/conformance",
		},
	},
}

// light are the exceptions: packages of a heavy family that weigh nothing.
var light = []string{"sigs.k8s.io/yaml"}

// lean are the programs that must not carry Kubernetes, not even through other packages.
var lean = []string{"cmd/validator", "cmd/builder", "cmd/tester"}

// pkg is a package as `go list -json` tells it.
type pkg struct {
	Path    string `json:"ImportPath"`
	Imports []string
	Deps    []string
}

// problems are all breaches of the rules, as sentences that say what to do.
func problems(packages []pkg) (found []string) {
	for _, p := range packages {
		found = append(found, floorProblems(p)...)
		found = append(found, heavyProblems(p)...)
		found = append(found, leanProblems(p)...)
	}
	return found
}

// floorProblems holds that imports go down only, and that the simulator and the product do not know each other.
func floorProblems(p pkg) (found []string) {
	name := strings.TrimPrefix(p.Path, module)
	unit, floor, known := place(name)
	if !known {
		return []string{name + " has no floor: give it one in internal/tests/layers/rules_test.go, and in docs/ARCHITECTURE.md"}
	}
	for _, imported := range p.Imports {
		other, ours := strings.CutPrefix(imported, module)
		if !ours {
			continue
		}
		otherUnit, otherFloor, _ := place(other)
		switch {
		case otherUnit == unit:
		case unit == simulator:
			found = append(found, fmt.Sprintf("the simulator imports %s (in %s): it must know nothing of the product", other, name))
		case otherUnit == simulator:
			if !slices.Contains(simulating, unit) && !slices.Contains(simulating, name) {
				found = append(found, fmt.Sprintf("%s imports the simulator: only %s and tests may", name, strings.Join(simulating, ", ")))
			}
		case otherFloor >= floor:
			found = append(found, fmt.Sprintf("%s (floor %d) imports %s (floor %d): imports go down only", name, floor, other, otherFloor))
		}
	}
	return found
}

// place tells the unit that a package is part of, and the floor of that unit. The simulator stands beside the floors.
func place(name string) (unit string, floor int, known bool) {
	if within(name, simulator) {
		return simulator, -1, true
	}
	for floor, units := range floors {
		for _, unit := range units {
			if name == unit || !slices.Contains(shelves, unit) && within(name, unit) {
				return unit, floor, true
			}
		}
	}
	return name, len(floors), false
}

func heavyProblems(p pkg) (found []string) {
	name := strings.TrimPrefix(p.Path, module)
	unit, _, _ := place(name)
	for _, rule := range heavy {
		for _, imported := range p.Imports {
			if belongs(imported, rule.prefixes) && !slices.Contains(rule.allowed, unit) {
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
