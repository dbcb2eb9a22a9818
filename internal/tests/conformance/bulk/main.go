// Command bulk deploys every app and cloud assembly of a folder twice, by the
// CDK CLI into one simulated cloud and by the deployer into another, and says
// where the two clouds differ. It ends with code 1 if any differ, and with 2 if
// the comparison itself could not be made.
//
// With -init it deploys nothing, and counts the apps whose stacks generator init
// recognizes in the source.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

// options are what the command line says.
type options struct {
	deployer string        // the built program
	modules  string        // node_modules with the CDK CLI, for apps that have none
	limit    time.Duration // for each deployment of an app
	atOnce   int           // apps
	json     bool
	init     bool // only inspect the sources
}

func main() {
	var o options
	flag.StringVar(&o.deployer, "deployer", "bin/deployer", "the deployer's `file`")
	flag.StringVar(&o.modules, "modules", "examples/shop/node_modules", "`folder` with the CDK CLI, and the packages of apps that have none")
	flag.DurationVar(&o.limit, "limit", 10*time.Minute, "how long one deployment of an app may take")
	flag.IntVar(&o.atOnce, "at-once", 2, "how many apps are compared at once")
	flag.BoolVar(&o.json, "json", false, "print JSON in place of the table")
	flag.BoolVar(&o.init, "init", false, "only count the apps whose stacks generator init recognizes")
	flag.Parse()
	if o.init {
		exit(o.surveyAll(flag.Args()), true)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	results, err := o.compareAll(ctx, flag.Args())
	stop()
	if err == nil {
		err = o.print(os.Stdout, results)
	}
	exit(err, !slices.ContainsFunc(results, func(r result) bool { return !r.agrees() }))
}

// exit ends the program.
func exit(err error, agreed bool) {
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	case !agreed:
		os.Exit(1)
	}
	os.Exit(0)
}

func (o options) surveyAll(folders []string) error {
	all, err := survey(folders)
	if err != nil {
		return err
	}
	return o.printSurvey(os.Stdout, all)
}

// compareAll compares the apps in the folders, in the order of their names.
func (o options) compareAll(ctx context.Context, folders []string) ([]result, error) {
	var err error
	for _, path := range []*string{&o.deployer, &o.modules} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
		if _, err := os.Stat(*path); err != nil {
			return nil, fmt.Errorf("%w; make build and npm ci make what is compared", err)
		}
	}
	apps, err := find(folders)
	if err != nil {
		return nil, err
	}
	results := make([]result, len(apps))
	var group sync.WaitGroup
	free := make(chan struct{}, max(1, o.atOnce))
	for i, app := range apps {
		group.Go(func() {
			free <- struct{}{}
			defer func() { <-free }()
			results[i] = o.compare(ctx, app)
			fmt.Fprintf(os.Stderr, "%s: %s\n", results[i].App, results[i].Verdict)
		})
	}
	group.Wait()
	return results, ctx.Err()
}

// find lists the subfolders that hold a CDK app or a cloud assembly.
func find(folders []string) (apps []string, err error) {
	for _, folder := range folders {
		for _, name := range []string{"cdk.json", "manifest.json"} {
			found, err := filepath.Glob(filepath.Join(escape(folder), "*", name))
			if err != nil {
				return nil, err
			}
			for _, file := range found {
				apps = append(apps, filepath.Dir(file))
			}
		}
	}
	slices.Sort(apps)
	if apps = slices.Compact(apps); len(apps) == 0 {
		return nil, fmt.Errorf("no subfolder of %q has a cdk.json or a manifest.json", strings.Join(folders, " "))
	}
	return apps, nil
}

// escape takes a path literally in a pattern.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

func (o options) print(w io.Writer, results []result) error {
	if o.json {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(results)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "app\tverdict\twhat")
	for _, r := range results {
		what := slices.Concat(r.Differences, r.Reasons)
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.App, r.Verdict, strings.Join(what, "; "))
	}
	return table.Flush()
}
