package steer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// Source has the records of the runs of a pipeline.
type Source struct {
	Bucket       bucket.Bucket
	Environments []string // of the configuration, in its order
	Prefix       string   // of the names of runs
	// Running returns the runs that have not ended; nil on this machine.
	Running func(context.Context) ([]kube.Progress, error)
}

// Found is a run that can be started.
type Found struct {
	argo.Asked
	Number  int    // of the rollbacks or retries of the commit, from 1; 0 is the first run of a commit
	Has     string // commit that the environment has now; "" is none, or several environments
	Because string // run that proved the commit, or that is retried
}

// RollBack finds the commit that was proven in an environment before the one that it has, or
// the one that to begins.
func (s Source) RollBack(ctx context.Context, environment, to string) (Found, error) {
	index, has, err := s.read(ctx, environment)
	if err != nil {
		return Found{}, err
	}
	candidates := index.Before(environment, has.Commit, has.Refused)
	if to != "" {
		commit, err := oneOf(index, to)
		if err != nil {
			return Found{}, err
		}
		candidates = []string{commit}
	}
	for _, commit := range candidates {
		proof, proven, err := index.Proof(ctx, s.Bucket, commit, environment)
		if err != nil {
			return Found{}, err
		}
		if !proven {
			continue
		}
		found, err := s.built(ctx, index, proof, argo.Asked{Purpose: plan.ToRollBack, Environments: []string{environment}})
		found.Has = has.Commit
		return found, err
	}
	if to != "" {
		return Found{}, errs.Failedf("commit %s was not proven in environment %s: no run deployed it there with tests that passed", candidates[0], environment).
			WithHint("generator history --environment %s lists what was deployed", environment)
	}
	return Found{}, errs.Failedf("environment %s has no commit to go back to: none was deployed there, with tests that passed, before %s", environment, has.Commit).
		WithHint("push a revert: git revert; or name a commit: --to")
}

// Redeploy finds the commit that an environment has, or had before it was rolled back if
// that begins with the given digits.
func (s Source) Redeploy(ctx context.Context, environment, commit string) (Found, error) {
	index, has, err := s.read(ctx, environment)
	if err != nil {
		return Found{}, err
	}
	wanted := has.Commit
	switch {
	case wanted == "":
		return Found{}, errs.Failedf("no run deployed to environment %s yet", environment)
	case commit == "" || strings.HasPrefix(wanted, commit):
	case has.Refused != "" && strings.HasPrefix(has.Refused, commit):
		wanted = has.Refused
	default:
		return Found{}, errs.Failedf("environment %s has commit %s, not %s", environment, wanted, commit).
			WithHint("redeploy deploys again what an environment has, or what was rolled back there; to deploy another commit: generator promote or generator rollback")
	}
	of, err := s.newest(ctx, index, wanted)
	if err != nil {
		return Found{}, err
	}
	found, err := s.built(ctx, index, of, argo.Asked{Purpose: plan.ToRedeploy, Environments: []string{environment}})
	found.Has = has.Commit
	return found, err
}

// Promote finds the commit that one environment has, for another one.
func (s Source) Promote(ctx context.Context, from, to string) (Found, error) {
	if from == to {
		return Found{}, errs.Invalidf("a commit is promoted from one environment to another").WithHint("generator redeploy %s deploys it again", to)
	}
	index, source, err := s.read(ctx, from)
	if err != nil {
		return Found{}, err
	}
	target, err := s.has(ctx, index, to)
	if err != nil {
		return Found{}, err
	}
	proof, proven, err := index.Proof(ctx, s.Bucket, source.Commit, from)
	if err != nil {
		return Found{}, err
	}
	if !proven {
		return Found{}, errs.Failedf("the commit that environment %s has, %q, was not proven there: no run deployed it there with tests that passed", from, source.Commit).
			WithHint("generator history --environment %s lists what was deployed", from)
	}
	found, err := s.built(ctx, index, proof, argo.Asked{Purpose: plan.ToPromote, Environments: []string{to}})
	found.Has = target.Commit
	return found, err
}

// Retry finds what a run did not get to: the given environment, or all that it did not prove.
// A run that did not get to its environments runs again from its beginning.
func (s Source) Retry(ctx context.Context, run, environment string) (Found, error) {
	if environment != "" && !slices.Contains(s.Environments, environment) {
		return Found{}, s.unknown(environment)
	}
	d, err := record.ReadRun(ctx, s.Bucket, run)
	if errors.Is(err, fs.ErrNotExist) {
		return Found{}, errs.Failedf("run %q has not ended, or there is none of that name", run).WithHint("generator history lists the runs that ended, generator status those in progress")
	}
	if err != nil {
		return Found{}, err
	}
	if d.HandedOver != "" {
		return s.Retry(ctx, d.HandedOver, environment)
	}
	index, err := record.ReadIndex(ctx, s.Bucket)
	if err != nil {
		return Found{}, err
	}
	if !slices.ContainsFunc(d.Steps, func(step stage.Record) bool { return step.Step == plan.Pipeline && step.Status == stage.Done }) {
		if environment != "" {
			return Found{}, errs.Failedf("run %s ended before its environments", run).WithHint("retry all of it: generator retry %s", run)
		}
		return Found{Asked: argo.Asked{Purpose: plan.ToStart, Commit: d.Commit}, Number: s.number(index, d.Commit, plan.ToRetry), Because: run}, nil
	}
	wanted := d.Only
	if len(wanted) == 0 {
		wanted = s.Environments
	}
	if environment != "" {
		wanted = []string{environment}
	}
	left := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool { return environment == "" && d.Proves(name) })
	if len(left) == 0 {
		return Found{}, errs.Failedf("run %s deployed to all of its environments", run).WithHint("to deploy to one again: generator redeploy ENVIRONMENT")
	}
	return s.built(ctx, index, d, argo.Asked{Purpose: plan.ToRetry, Environments: left})
}

// Start finds the name of a run of a commit, whose push started none.
func (s Source) Start(ctx context.Context, commit string) (Found, error) {
	index, err := record.ReadIndex(ctx, s.Bucket)
	if err != nil {
		return Found{}, err
	}
	found := Found{Asked: argo.Asked{Purpose: plan.ToStart, Commit: commit}}
	first, err := stage.Records{Bucket: s.Bucket}.First(ctx, plan.FirstRun(s.Prefix, commit), plan.FormerFirstRun(s.Prefix, commit))
	if err == nil && first != nil {
		found.Number = s.number(index, commit, plan.ToRetry)
	}
	return found, err
}

// Name returns the name of a run with a number.
func (s Source) Name(a argo.Asked, number int) string {
	name := plan.NameOfRun{Prefix: s.Prefix, Commit: a.Commit}
	switch a.Purpose {
	case plan.ToRollBack:
		name.Rollback = number
	case plan.ToOverride, plan.ToApprove, plan.ToReject:
		name.Override = number
	default:
		name.Retry = number
	}
	return name.String()
}

// read reads the index of the records, and which commit an environment has.
func (s Source) read(ctx context.Context, environment string) (record.Index, stage.Deployed, error) {
	index, err := record.ReadIndex(ctx, s.Bucket)
	if err != nil {
		return record.Index{}, stage.Deployed{}, err
	}
	has, err := s.has(ctx, index, environment)
	return index, has, err
}

// has reads which commit an environment has.
func (s Source) has(ctx context.Context, index record.Index, environment string) (has stage.Deployed, err error) {
	if !slices.Contains(s.Environments, environment) {
		return has, s.unknown(environment)
	}
	if has, err = inventory.ReadReached(ctx, s.Bucket, environment); err != nil {
		return has, err
	}
	if has.Commit == "" { // the state is of an earlier version
		has.Commit = commitIn(index, environment)
	}
	return has, nil
}

func (s Source) unknown(environment string) error {
	return errs.Invalidf("the configuration has no environment %q", environment).WithHint("its environments are %s", strings.Join(s.Environments, ", "))
}

// commitIn returns the commit that was deployed to an environment last; "" is none.
func commitIn(index record.Index, environment string) string {
	for _, env := range index.Environments {
		if env.Environment == environment {
			return env.Commit
		}
	}
	return ""
}

// shortest is the shortest part of a commit that finds one.
const shortest = 4

// oneOf returns the commit of a run that begins with the digits.
func oneOf(index record.Index, digits string) (string, error) {
	var found []string
	for _, run := range index.Runs {
		if len(digits) >= shortest && strings.HasPrefix(run.Commit, digits) && !slices.Contains(found, run.Commit) {
			found = append(found, run.Commit)
		}
	}
	switch len(found) {
	case 0:
		return "", errs.Invalidf("no run has a commit that begins with %q", digits).WithHint("generator history lists the runs")
	case 1:
		return found[0], nil
	}
	return "", errs.Invalidf("%d commits begin with %q", len(found), digits).WithHint("pass more digits: %s", strings.Join(found, ", "))
}

// newest returns the newest record of a run that built or deployed a commit.
func (s Source) newest(ctx context.Context, index record.Index, commit string) (record.Document, error) {
	for _, run := range index.Runs {
		if run.Commit != commit {
			continue
		}
		d, err := record.ReadRun(ctx, s.Bucket, run.Run)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return record.Document{}, err
		}
		if built, err := record.BuiltBy(ctx, s.Bucket, d); err != nil || built != nil {
			return d, err
		}
	}
	return record.Document{}, errs.Failedf("no run that ended has built commit %s", commit).WithHint("to build it: generator start --commit %s", commit)
}

// built completes a run that deploys what another one built.
func (s Source) built(ctx context.Context, index record.Index, of record.Document, a argo.Asked) (Found, error) {
	built, err := record.BuiltBy(ctx, s.Bucket, of)
	if err != nil {
		return Found{}, err
	}
	if built == nil {
		return Found{}, errs.Failedf("the record of run %s does not say what it deployed: it is of an earlier version", of.Workflow).WithHint("push a revert: git revert")
	}
	keys, err := s.Bucket.List(ctx, built.Artifact)
	if err != nil {
		return Found{}, fmt.Errorf("looking for the artifact of commit %s: %w", of.Commit, err)
	}
	if !slices.Contains(keys, built.Artifact) {
		return Found{}, errs.Failedf("the artifact of commit %s, %s, has expired", of.Commit, built.Artifact).
			WithHint("artifactRetentionDays says how long artifacts are kept; push a revert: git revert")
	}
	a.Commit, a.Artifact, a.Digest, a.ConfigDigest = of.Commit, built.Artifact, built.Digest, built.ConfigDigest
	return Found{Asked: a, Number: s.number(index, of.Commit, a.Purpose), Because: of.Workflow}, nil
}

// number returns the next number of the rollbacks to a commit, its overrides, or its retries.
func (s Source) number(index record.Index, commit string, purpose plan.Purpose) int {
	last := 0
	for _, run := range index.Runs {
		if name, ok := plan.ParseRunName(s.Prefix, run.Run); ok && run.Commit == commit {
			number := name.Retry
			switch purpose {
			case plan.ToRollBack:
				number = name.Rollback
			case plan.ToOverride, plan.ToApprove, plan.ToReject:
				number = name.Override
			}
			last = max(last, number)
		}
	}
	return last + 1
}
