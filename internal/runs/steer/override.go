package steer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/deploy/gate"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
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
	Target      string   `name:"run" help:"Run in progress, or one that gates held: its name, or the beginning of its name or commit." required:"" placeholder:"RUN"`
	Gate        []string `help:"Gates to pass: windows, freezes, stateful, broadening, policy." required:"" placeholder:"GATE,…"`
}

// Help returns the details and examples of the verb.
func (OverrideVerb) Help() string {
	return `Lets one run deploy to an environment although its window is closed or it is frozen: break glass. It overrides neither
the order of commits, nor approvals, nor tests. It may come before the run gets to the environment.

The gates stateful, broadening and policy look at the plan, and a run that they hold ends. An override of such a run
lets a retry do what the record of the run says it would have done, for a week, and nothing more.

In a cluster a run of its own stores the override, so that the API server attests who asked for it, as for a rollback;
generator show says who and why. The record of the run that passes has it, too.

Examples:

  generator override prod --run 3f2a9c1 --gate windows --why "the shop is down, ticket 4711"
  generator override prod --run 3f2a9c1 --gate windows,freezes --why "the fix" --watch
  generator override prod --run 3f2a9c1 --gate stateful --why "the table is empty" && generator retry 3f2a9c1 -e prod
  generator override prod --run aphex-pipeline-20260101-120000 --gate windows --why "try it" --state .aphex`
}

// Validate refuses an override without a reason.
func (v OverrideVerb) Validate() error {
	if strings.TrimSpace(v.Reason) == "" {
		return errs.Invalidf("an override requires a reason").WithHint("pass --why")
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
		return v.held(ctx, s, err)
	}
	return s.about(ctx, of, argo.Asked{Purpose: plan.ToOverride, Environments: []string{v.Environment}, Gates: v.Gate})
}

// about completes a run that says something about one in progress.
func (s Source) about(ctx context.Context, of kube.Progress, a argo.Asked) (Found, error) {
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
	a.Target, a.Commit = of.Run, of.Parameters[plan.CommitSHA]
	a.Artifact, a.Digest, a.ConfigDigest = built.Artifact, built.Digest, built.ConfigDigest
	return Found{Number: s.number(index, a.Commit, a.Purpose), Because: of.Run, Asked: a}, err
}

// held finds a run that gates held; without one, the error is that there is none in progress.
func (v OverrideVerb) held(ctx context.Context, s Source, none error) (Found, error) {
	index, err := record.ReadIndex(ctx, s.Bucket)
	if err != nil {
		return Found{}, err
	}
	at := slices.IndexFunc(index.Runs, func(run record.Summary) bool {
		return run.Status == record.Held && (run.Run == v.Target || len(v.Target) >= shortest && (strings.HasPrefix(run.Run, v.Target) || strings.HasPrefix(run.Commit, v.Target)))
	})
	if at < 0 {
		return Found{}, none
	}
	d, err := record.ReadRun(ctx, s.Bucket, index.Runs[at].Run)
	if err != nil {
		return Found{}, err
	}
	gates, err := gate.Parse(v.Gate)
	if err != nil {
		return Found{}, err
	}
	if _, err := inventory.Seen(ctx, s.Bucket, d.Workflow, v.Environment, gates); err != nil {
		return Found{}, err
	}
	return s.built(ctx, index, d, argo.Asked{Purpose: plan.ToOverride, Environments: []string{v.Environment}, Target: d.Workflow, Gates: v.Gate})
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
	store := gate.Store{Bucket: d.Bucket}
	ended, err := record.ReadRun(ctx, d.Bucket, v.Target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return done, store.AddOverride(ctx, v.Target, v.Environment, done.Override)
	case err != nil:
		return done, err
	}
	done.Override.Run = v.Target
	if done.Stacks, err = inventory.Seen(ctx, d.Bucket, v.Target, v.Environment, gates); err != nil {
		return done, err
	}
	return done, store.AddOverrideOfPlan(ctx, ended.Commit, v.Environment, done.Override)
}
