package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
)

// placesOfEnvironments are as many regions as environments are measured: one stack is not deployed to two.
var placesOfEnvironments = []string{"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-north-1", "us-west-2"}

// mostOfEnvironments is how much longer than its syntheses alone, a processor's one after the other, the look at all
// environments may take.
const mostOfEnvironments = 1.3

// benchEnvironments compares the step that synthesizes every environment before one is touched with the syntheses
// that it cannot do without, for one environment and for several.
func benchEnvironments(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
	w, err := newWorld(ctx, log, o, scratch)
	if err != nil {
		return nil, err
	}
	var results []result
	for n := 1; n <= len(placesOfEnvironments); n++ {
		shop, err := w.shop(ctx, o)
		if err != nil {
			return nil, err
		}
		if err := declareEnvironments(shop.dir, n); err != nil {
			return nil, err
		}
		err = w.inCloud(filepath.Join(scratch, fmt.Sprintf("checked-%d", n)), cloudformation.Options{}, func(sim *awssim.Server) error {
			measured, err := measureAll(ctx, log, w.environmentsPairs(sim, shop.dir, n), o.runs)
			results = append(results, measured...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// environmentsPairs are the pipeline's step on n environments, and the syntheses of as many: by the clock, for which
// the machine has to be idle, and by the time of processors, for which it has not.
func (w *world) environmentsPairs(sim *awssim.Server, dir string, n int) []pair {
	rounds := syntheses(n, runtime.NumCPU())
	env := append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "AWS_REGION="+region)
	alone := timed(func(ctx context.Context) error {
		_, err := synth.Synthesize(ctx, synth.Options{Runner: proc.Runner{}, App: dir, Out: filepath.Join(w.scratch, "alone"), Account: account, Region: region, Env: env})
		return err
	})
	byClock := pair{
		Name: fmt.Sprintf("environments %d", n), Unit: "s", Limit: mostOfEnvironments,
		Ours: func(ctx context.Context) (float64, error) {
			ran, err := watch(ctx, w.checkAll(sim, dir), false)
			return ran.seconds, err
		},
		Theirs: func(ctx context.Context) (float64, error) {
			once, err := alone(ctx)
			return once * float64(rounds), err
		},
	}
	byProcessor := pair{
		Name: byClock.Name + ", CPU", Unit: "s", Limit: mostOfEnvironments,
		Ours: func(ctx context.Context) (float64, error) {
			ran, err := watch(ctx, w.checkAll(sim, dir), false)
			return ran.cpu, err
		},
		Theirs: func(ctx context.Context) (float64, error) {
			before := childrenCPU()
			_, err := alone(ctx)
			return (childrenCPU() - before) * float64(n), err
		},
	}
	return []pair{byClock, byProcessor}
}

// childrenCPU is how many seconds of processors the processes took that this one has waited for.
func childrenCPU() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// syntheses says how many syntheses come one after the other when each processor does one at a time.
func syntheses(n, processors int) int { return (n + processors - 1) / processors }

// checkAll is the step of the pipeline that looks at all environments.
func (w *world) checkAll(sim *awssim.Server, dir string) *exec.Cmd {
	command := exec.Command(w.deployer, "pipeline", "--source", dir, "--objects", filepath.Join(w.scratch, "objects"), "--commit", strings.Repeat("0", 40),
		"--bucket", "bench", "--region", region, "--on-failure", "stop", "--log-format", "json")
	command.Dir, command.Env = dir, w.environ(sim)
	return command
}

// declareEnvironments writes the configuration of a pipeline with so many environments.
func declareEnvironments(dir string, n int) error {
	var text bytes.Buffer
	text.WriteString("version: \"1.0\"\ngithubOwner: bench\ngithubRepo: shop\nclusterName: bench\nenvironments:\n")
	for i, region := range placesOfEnvironments[:n] {
		fmt.Fprintf(&text, "  - {name: e%d, account: %q, region: %s, stacks: [{name: DatabaseStack, path: cdk.json}, {name: ApiStack, path: cdk.json}]}\n", i+1, account, region)
	}
	return os.WriteFile(filepath.Join(dir, "aphex-config.yaml"), text.Bytes(), 0o644)
}
