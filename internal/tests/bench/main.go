package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

// options are what the command line says.
type options struct {
	bin  string // folder with the built programs
	app  string // CDK app with its packages installed and built
	out  string // file for the results
	runs int    // measured runs of each side
	only string // comma-separated names of the benches to run; empty for all
}

func main() {
	var o options
	flag.StringVar(&o.bin, "bin", "bin", "`folder` with the built programs")
	flag.StringVar(&o.app, "app", "examples/shop", "`folder` of a CDK app that is built, with its packages")
	flag.StringVar(&o.out, "o", "bench.json", "`file` for the results")
	flag.IntVar(&o.runs, "runs", 5, "how often each side is measured")
	flag.StringVar(&o.only, "only", "", "`names` of the benches to run, with commas: "+strings.Join(namesOf(all), ", "))
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run measures every pair, then prints the table and writes the file.
func run(ctx context.Context, o options) error {
	benches, err := o.benches()
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	scratch, err := os.MkdirTemp("", "aphex-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(scratch)

	var results []result
	for _, bench := range benches {
		measured, err := bench.run(ctx, log, o, scratch)
		if err != nil {
			return fmt.Errorf("bench %s: %w", bench.name, err)
		}
		results = append(results, measured...)
	}
	if err := table(os.Stdout, results); err != nil {
		return err
	}
	if slices.ContainsFunc(benches, func(b bench) bool { return b.name == "start" }) {
		if err := sizes(os.Stdout, o.bin); err != nil {
			return err
		}
	}
	return write(o.out, results)
}

// bench is a named group of comparisons that are prepared together.
type bench struct {
	name string
	run  func(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error)
	also string // another name: what it measures as well
}

// all are the benches in the order in which they run.
var all = []bench{
	{name: "synth", run: benchSynth},
	{name: "checkout", run: benchCheckout},
	{name: "start", run: benchStart},
	{name: "render", run: benchRender},
	{name: "environments", run: benchEnvironments},
	{name: "deploy-noop", run: benchDeploy("deploy-noop", 0.15, noop)},
	{name: "deploy-first", run: benchDeploy("deploy-first", 0.5, first)},
	{name: "deploy-40", run: benchDeploy("deploy-40", 0.4, forty), also: "memory"},
	{name: "publish-200", run: benchDeploy("publish-200", 0.3, twoHundred)},
	{name: "lag", run: benchLag},
	{name: "cached-build", run: benchCachedBuild},
	{name: "artifact", run: benchArtifact},
}

func namesOf(benches []bench) (names []string) {
	for _, b := range benches {
		if names = append(names, b.name); b.also != "" {
			names = append(names, b.also)
		}
	}
	return names
}

// benches are those that were asked for.
func (o options) benches() ([]bench, error) {
	if o.only == "" {
		return all, nil
	}
	var chosen []bench
	for name := range strings.SplitSeq(o.only, ",") {
		at := slices.IndexFunc(all, func(b bench) bool { return name != "" && (b.name == name || b.also == name) })
		if at < 0 {
			return nil, fmt.Errorf("there is no bench %q", name)
		}
		if !slices.ContainsFunc(chosen, func(b bench) bool { return b.name == all[at].name }) {
			chosen = append(chosen, all[at])
		}
	}
	return chosen, nil
}
