package pipeline

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// override lets another run pass gates of environments that are closed. Of a run that ended as gates
// held its plan, it lets each run of the commit do what that one would have done. The order of commits, approvals and tests are no gates that can be named here.
func (d Deps) override(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, chosen []config.Environment) (Output, error) {
	gates, err := gate.Parse(in.Override)
	if err != nil {
		return Output{}, err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return Output{}, errs.Invalidf("there is no reason for the override").WithHint("pass --reason")
	}
	ended, err := d.ended(ctx, in.Target)
	if err != nil {
		return Output{}, err
	}
	out := in.nothing()
	if out.Attested, err = d.attested(ctx, in, cfg); err != nil {
		return Output{}, err
	}
	for _, env := range chosen {
		one := gate.Override{Gates: gates, Why: in.Reason, By: in.Pusher, Attested: out.Attested, At: time.Now().UTC().Truncate(time.Second)}
		if err := d.addOverride(ctx, in, env.Name, one, ended); err != nil {
			return Output{}, err
		}
	}
	frame.Log.Warn("a run may pass gates that are closed", "run", in.Target, "environments", strings.Join(namesOf(chosen), ", "), "gates", strings.Join(in.Override, ", "),
		"by", in.Pusher, "attested", out.Attested, "why", in.Reason)
	return out, nil
}

// nothing is the output of a run that deploys nothing.
func (in Input) nothing() Output {
	return Output{
		Result: Unchanged, Changes: []manifest.Change{}, Undeployed: []string{}, Removed: []stage.RemovedStack{}, Unreached: []string{},
		LeftOut: plan.List(in.Environments), NoApproval: plan.OpenIn(in.Environments, nil),
	}
}

// addOverride stores an override: of a run that has ended, that of what its record says it was held for.
func (d Deps) addOverride(ctx context.Context, in Input, environment string, one gate.Override, ended bool) (err error) {
	store := gate.Store{Bucket: d.Bucket}
	if !ended {
		return store.AddOverride(ctx, in.Target, environment, one)
	}
	one.Run = in.Target
	if one.Stacks, err = inventory.Seen(ctx, d.Bucket, in.Target, environment, one.Gates); err != nil {
		return err
	}
	return store.AddOverrideOfPlan(ctx, in.Commit, environment, one)
}

// ended reports whether a run has a record: it does not come to a gate any more.
func (d Deps) ended(ctx context.Context, run string) (bool, error) {
	if !gate.IsRun(run) {
		return false, errs.Invalidf("%q is no name of a run", run).WithHint("pass --target")
	}
	keys, err := d.Bucket.List(ctx, bucket.RunRecordKey(run))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return slices.Contains(keys, bucket.RunRecordKey(run)), nil
}
