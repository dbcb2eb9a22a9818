package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/runs/steer"
)

// deskFlags are the flags of the verbs that say something of gates.
type deskFlags struct {
	historyFlags
	Source string `help:"With --state: folder of the git repository." default:"." type:"path" placeholder:"DIR"`
}

// open opens the bucket that the flags name, as whoever may write there, until closed is called.
func (f deskFlags) open(ctx context.Context) (desk steer.Desk, closed func(), err error) {
	if f.State != "" {
		p, err := steerFlags{historyFlags: f.historyFlags, Source: f.Source}.openLocal(ctx)
		if err != nil {
			return desk, nil, err
		}
		artifacts, closed, err := pipelinerun.Writable(ctx, f.State)
		return steer.Desk{Bucket: artifacts, Environments: p.Environments, By: p.by}, closed, err
	}
	source, err := f.source(ctx)
	if err != nil {
		return desk, nil, err
	}
	base, err := awsauth.Load(ctx, f.Region)
	if err != nil {
		return desk, nil, err
	}
	who, err := awsauth.Identify(ctx, base)
	if err != nil {
		return desk, nil, err
	}
	return steer.Desk{Bucket: source.Bucket, Environments: source.Environments, By: who.ARN}, func() {}, nil
}

func (f deskFlags) print(std stdio.Streams, raw stdio.Raw, frozen steer.Frozen) (err error) {
	if f.JSON {
		err = raw.PrintJSON(frozen)
	} else {
		_, err = fmt.Fprintln(std.Out, frozen)
	}
	return errs.Writing("standard output", err)
}

// overrideCmd lets a run pass gates.
type overrideCmd struct {
	steerFlags
	steer.OverrideVerb
}

// Validate refuses an override without a reason.
func (c overrideCmd) Validate() error {
	if strings.TrimSpace(c.Reason) == "" {
		return errs.Invalidf("nobody says why gates are overridden").WithHint("pass --why")
	}
	return c.steerFlags.Validate()
}

// Run starts the run that stores the override, or stores that of a local run.
func (c overrideCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	if c.State == "" {
		return c.run(ctx, std, raw, c.Find)
	}
	desk, closed, err := deskFlags{historyFlags: c.historyFlags, Source: c.steerFlags.Source}.open(ctx)
	if err != nil {
		return err
	}
	defer closed()
	done, err := c.Do(ctx, desk, c.Reason)
	if err != nil {
		return err
	}
	if c.JSON {
		return errs.Writing("standard output", raw.PrintJSON(done))
	}
	_, err = fmt.Fprintf(std.Out, "run %s may pass %s of %s\n", done.Run, strings.Join(c.Gate, " and "), done.Environment)
	return errs.Writing("standard output", err)
}

// freezeCmd freezes an environment.
type freezeCmd struct {
	deskFlags
	steer.FreezeVerb
}

// Run stores the freeze and prints it.
func (c freezeCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	desk, closed, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closed()
	frozen, before, err := c.Do(ctx, desk)
	if err != nil {
		return err
	}
	if before.Why != "" {
		fmt.Fprintf(std.Err, "it takes the place of the freeze %s\n", before)
	}
	return c.print(std, raw, frozen)
}

// unfreezeCmd ends the freeze of an environment.
type unfreezeCmd struct {
	deskFlags
	steer.UnfreezeVerb
}

// Run ends the freeze and prints it.
func (c unfreezeCmd) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	desk, closed, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer closed()
	ended, err := c.Do(ctx, desk)
	if err != nil {
		return err
	}
	return c.print(std, raw, ended)
}
