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
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// override lets another run, which has not ended, pass gates of environments that are closed.
// The order of commits, approvals and tests are no gates that can be named here.
func (d Deps) override(ctx context.Context, frame stage.Frame, in Input, cfg *config.Config, chosen []config.Environment) (Output, error) {
	gates, err := gate.Parse(in.Override)
	if err != nil {
		return Output{}, err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return Output{}, errs.Invalidf("nobody says why gates are overridden").WithHint("pass --reason")
	}
	if err := d.unended(ctx, in.Target); err != nil {
		return Output{}, err
	}
	out := Output{
		Result: Unchanged, Changes: []manifest.Change{}, Undeployed: []string{}, Removed: []stage.RemovedStack{}, Unreached: []string{},
		LeftOut: plan.List(in.Environments), NoApproval: plan.Approval.OpenIn(in.Environments, nil),
	}
	if out.Attested, err = d.attested(ctx, in, cfg); err != nil {
		return Output{}, err
	}
	for _, env := range chosen {
		one := gate.Override{Gates: gates, Why: in.Reason, By: in.Pusher, Attested: out.Attested, At: time.Now().UTC().Truncate(time.Second)}
		if err := (gate.Store{Bucket: d.Bucket}).AddOverride(ctx, in.Target, env.Name, one); err != nil {
			return Output{}, err
		}
	}
	frame.Log.Warn("a run may pass gates that are closed", "run", in.Target, "environments", strings.Join(namesOf(chosen), ", "), "gates", strings.Join(in.Override, ", "),
		"by", in.Pusher, "attested", out.Attested, "why", in.Reason)
	return out, nil
}

// unended refuses a run that has a record: it does not come to a gate any more.
func (d Deps) unended(ctx context.Context, run string) error {
	if !gate.IsRun(run) {
		return errs.Invalidf("%q is no name of a run", run).WithHint("pass --target")
	}
	keys, err := d.Bucket.List(ctx, bucket.RunRecordKey(run))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if slices.Contains(keys, bucket.RunRecordKey(run)) {
		return errs.Failedf("run %s has ended", run).WithHint("generator retry %s starts another one, which an override can let pass", run)
	}
	return nil
}
