package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// contest is one deployment that both sides carry out, each run in a cloud of its own.
type contest struct {
	*world
	name        string
	app         *app
	start       string                 // state of the cloud at the start
	stacks      cloudformation.Options // of the cloud
	concurrency int
	memory      bool // is looked at
}

// trial is what one run of one side showed.
type trial struct {
	process
	spans []cloudformation.Span // when the cloud worked on stacks
	calls int                   // to CloudFormation
}

// duel runs both sides by turns.
func (c contest) duel(ctx context.Context, runs int) (ours, theirs []trial, err error) {
	for run := range runs {
		our, err := c.ours(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("our side of %s: %w", c.name, err)
		}
		their, err := c.theirs(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("their side of %s: %w", c.name, err)
		}
		c.log.Info("measured", "pair", c.name, "run", run+1, "ours", our.seconds, "theirs", their.seconds, "unit", "s")
		ours, theirs = append(ours, our), append(theirs, their)
	}
	return ours, theirs, nil
}

func (c contest) ours(ctx context.Context) (trial, error) {
	return c.once(ctx, func(sim *awssim.Server) *exec.Cmd {
		return c.deploy(sim, c.app.dir, "--concurrency", strconv.Itoa(c.concurrency))
	})
}

// theirs synthesizes into an empty folder, as ours does.
func (c contest) theirs(ctx context.Context) (trial, error) {
	if err := os.RemoveAll(filepath.Join(c.app.dir, "cdk.out")); err != nil {
		return trial{}, fmt.Errorf("emptying the folder of the assembly: %w", err)
	}
	return c.once(ctx, func(sim *awssim.Server) *exec.Cmd {
		return c.cdk(sim, c.app.dir, "deploy", "--all", "--require-approval", "never", "--concurrency", strconv.Itoa(c.concurrency))
	})
}

// once runs one side in a fresh copy of the cloud.
func (c contest) once(ctx context.Context, command func(*awssim.Server) *exec.Cmd) (t trial, err error) {
	state := filepath.Join(c.scratch, "cloud")
	if err := os.CopyFS(state, os.DirFS(c.start)); err != nil {
		return t, fmt.Errorf("copying the cloud: %w", err)
	}
	defer os.RemoveAll(state)
	err = c.inCloud(state, c.stacks, func(sim *awssim.Server) error {
		before := len(sim.Stacks().Spans())
		if t.process, err = watch(ctx, command(sim), c.memory); err != nil {
			return err
		}
		t.spans = sim.Stacks().Spans()[before:]
		for call, times := range sim.Calls() {
			if strings.HasPrefix(call, "cloudformation:") {
				t.calls += times
			}
		}
		return nil
	})
	return t, err
}

// medianOf is the median of what the trials say of something.
func medianOf(trials []trial, what func(trial) float64) float64 {
	var values []float64
	for _, t := range trials {
		values = append(values, what(t))
	}
	return median(values)
}

func seconds(t trial) float64 { return t.seconds }

func memory(t trial) float64 { return t.memory }
