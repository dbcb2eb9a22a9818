package steer

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// OverrideVerb lets a run pass gates of an environment.
type OverrideVerb struct {
	RunFlags
	Environment string   `arg:"" help:"Environment whose gates the run passes."`
	Target      string   `name:"run" help:"Run that has not ended: its name, or the beginning of its name or commit." required:"" placeholder:"RUN"`
	Gate        []string `help:"Gates to pass: windows, freezes." required:"" placeholder:"GATE,…"`
}

// Help returns the details and examples of the verb.
func (OverrideVerb) Help() string {
	return `Lets one run deploy to an environment although its window is closed or it is frozen: break glass. It overrides neither
the order of commits, nor approvals, nor tests. It may come before the run gets to the environment.

In a cluster a run of its own stores the override, so that the API server attests who asked for it, as for a rollback;
generator show says who and why. The record of the run that passes has it, too.

Examples:

  generator override prod --run 3f2a9c1 --gate windows --why "the shop is down, ticket 4711"
  generator override prod --run 3f2a9c1 --gate windows,freezes --why "the fix" --watch
  generator override prod --run aphex-pipeline-20260101-120000 --gate windows --why "try it" --state .aphex`
}

// Validate refuses an override without a reason.
func (v OverrideVerb) Validate() error {
	if strings.TrimSpace(v.Reason) == "" {
		return errs.Invalidf("nobody says why gates are overridden").WithHint("pass --why")
	}
	return v.RunFlags.Validate()
}

// Run starts the run that stores the override, or stores that of a local run.
func (v OverrideVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	if v.State == "" {
		return v.run(ctx, std, raw, v.Find)
	}
	desk, closed, err := v.desk(ctx)
	if err != nil {
		return err
	}
	defer closed()
	done, err := v.Do(ctx, desk)
	if err != nil {
		return err
	}
	return v.print(std, raw, done, fmt.Sprintf("run %s may pass %s of %s", done.Run, strings.Join(v.Gate, " and "), done.Environment))
}

// Find finds the run in progress that is to pass gates.
func (v OverrideVerb) Find(ctx context.Context, s Source) (Found, error) {
	if _, err := gate.Parse(v.Gate); err != nil {
		return Found{}, err
	}
	if err := (Desk{Environments: s.Environments}).check(v.Environment); err != nil {
		return Found{}, err
	}
	running, err := s.Running(ctx)
	if err != nil {
		return Found{}, err
	}
	of, err := inProgress(running, v.Target)
	if err != nil {
		return Found{}, err
	}
	built := &record.Built{Artifact: of.Parameters[plan.Artifact], Digest: of.Parameters[plan.Digest], ConfigDigest: of.Parameters[plan.ConfigDigest]}
	if built.Artifact == "" || built.ConfigDigest == "" {
		steps, err := stage.StepRecords(ctx, s.Bucket, of.Run)
		if err != nil {
			return Found{}, err
		}
		if built, err = record.BuiltBy(ctx, s.Bucket, record.Document{Steps: steps}); err != nil {
			return Found{}, err
		}
	}
	if built == nil {
		return Found{}, errs.Failedf("run %s has not built its commit yet", of.Run).WithHint("run the same command when it waits: generator status")
	}
	index, err := record.ReadIndex(ctx, s.Bucket)
	commit := of.Parameters[plan.CommitSHA]
	return Found{Number: s.number(index, commit, plan.ToOverride), Because: of.Run, Asked: argo.Asked{
		Purpose: plan.ToOverride, Commit: commit, Environments: []string{v.Environment}, Target: of.Run, Gates: v.Gate,
		Artifact: built.Artifact, Digest: built.Digest, ConfigDigest: built.ConfigDigest,
	}}, err
}

// inProgress returns the run that a text names.
func inProgress(running []kube.Progress, text string) (kube.Progress, error) {
	var found []kube.Progress
	for _, run := range running {
		if run.Run == text {
			return run, nil
		}
		if len(text) >= shortest && (strings.HasPrefix(run.Run, text) || strings.HasPrefix(run.Parameters[plan.CommitSHA], text)) {
			found = append(found, run)
		}
	}
	switch len(found) {
	case 0:
		return kube.Progress{}, errs.Failedf("no run in progress is called %q", text).WithHint("generator status lists them; once a run has ended, generator retry starts another one")
	case 1:
		return found[0], nil
	}
	var names []string
	for _, run := range found {
		names = append(names, run.Run)
	}
	return kube.Progress{}, errs.Invalidf("%d runs in progress begin with %q", len(found), text).WithHint("name one: %s", strings.Join(names, ", "))
}

// Overridden is what the verb prints of a local run.
type Overridden struct {
	Run         string `json:"run"`
	Environment string `json:"environment"`
	gate.Override
}

// Do stores the override of a local run, which nobody attests.
func (v OverrideVerb) Do(ctx context.Context, d Desk) (Overridden, error) {
	gates, err := gate.Parse(v.Gate)
	if err != nil {
		return Overridden{}, err
	}
	if err := d.check(v.Environment); err != nil {
		return Overridden{}, err
	}
	if !gate.IsRun(v.Target) {
		return Overridden{}, errs.Invalidf("%q is no name of a run", v.Target)
	}
	done := Overridden{v.Target, v.Environment, gate.Override{Gates: gates, Why: v.Reason, By: d.By, At: time.Now().UTC().Truncate(time.Second)}}
	return done, gate.Store{Bucket: d.Bucket}.AddOverride(ctx, v.Target, v.Environment, done.Override)
}
