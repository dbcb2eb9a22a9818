package steer

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun/pipelinerun"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// RunFlags are the flags of the verbs that start runs of what was built before.
type RunFlags struct {
	Flags
	Reason string `short:"m" aliases:"why" help:"Reason, kept in the record of the run." placeholder:"TEXT"`
	Watch  bool   `help:"Wait until the run ends, and fail if the run fails."`
	Yes    bool   `short:"y" help:"Start the run without asking for confirmation. In a local run, also approve what requires approval."`
}

// Validate refuses a reason that is not a short line of text.
func (f RunFlags) Validate() error {
	return CheckReason("--reason", f.Reason)
}

// run finds what a person asks for, and starts it.
func (f RunFlags) run(ctx context.Context, std stdio.Streams, raw stdio.Raw, find func(context.Context, Source) (Found, error)) error {
	p, err := f.open(ctx)
	if err != nil {
		return err
	}
	found, err := find(ctx, p.Source)
	if err != nil {
		return err
	}
	found.By, found.Reason = p.by, f.Reason
	fmt.Fprintln(std.Err, found)
	if err := std.Ask(ctx, "\nContinue?", "no run was started", f.Yes); err != nil {
		return err
	}
	if p.target == nil {
		return f.runLocally(ctx, raw, found)
	}
	run, err := p.target.Start(ctx, found.Asked, found.Number, func(number int) string { return p.Name(found.Asked, number) })
	if err != nil {
		return err
	}
	if err := f.print(std, raw, found.Begun(run), run); err != nil {
		return err
	}
	if !f.Watch {
		fmt.Fprintf(std.Err, "generator logs %s --follow; generator show %s\n", run, run)
		return nil
	}
	return Await(ctx, p.Bucket, run)
}

func (f RunFlags) runLocally(ctx context.Context, raw stdio.Raw, found Found) error {
	if found.Purpose.Builds() {
		return errs.Invalidf("the run ended before its environments; a local run builds the last commit").WithHint("generator run --source %s", f.Source)
	}
	return pipelinerun.Run(ctx, pipelinerun.Options{
		FileFlag: f.FileFlag, PlaceFlags: plan.PlaceFlags{Account: f.Account, Region: f.Region}, Source: f.Source, State: f.State, AWS: "simulator", Yes: f.Yes, Asked: &found.Asked,
		In: raw.In, Out: raw.Out, Err: raw.Err,
	})
}
