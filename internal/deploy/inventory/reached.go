package inventory

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// maxFormer is how many runs an environment remembers.
const maxFormer = 50

// KeepReached stores that a run begins to deploy a commit to an environment, before it
// changes anything: from then on no run deploys an older commit there. It refuses a run
// that another one has overtaken since the run's commits were compared, and one that a newer
// run supersedes: one that waits for the same environment. A rollback stores which commit it
// takes back, and a run of a push does not deploy that. A deployment by hand stores nothing.
func (s Store) KeepReached(ctx context.Context, cfg *config.Config, env config.Environment, commit string, purpose plan.Purpose) error {
	environment := env.Name
	if s.Bucket == nil || s.Engine.Run == "" {
		return nil
	}
	all, err := s.Reached(ctx)
	if err != nil {
		return err
	}
	order, err := ReadOrder(ctx, s.Bucket)
	if err != nil {
		return err
	}
	if err := s.supersededBy(ctx, order, cfg, env, commit); err != nil {
		return err
	}
	var had stage.Deployed
	err = s.Bucket.Update(ctx, bucket.ReachedKey(environment), func(stored []byte) ([]byte, error) {
		has, err := parseReached(environment, stored)
		if err != nil {
			return nil, err
		}
		had, all[environment] = has, has // also if another run began since all were listed
		return s.next(env, commit, purpose, all, order)
	})
	if err != nil {
		return fmt.Errorf("storing which commit environment %s gets: %w", environment, err)
	}
	return s.giveBack(ctx, environment, had)
}

// CheckWaiting refuses a run that waits for an environment as KeepReached would refuse it
// now: one that another run has overtaken, or that a newer one supersedes. It stores nothing.
func (s Store) CheckWaiting(ctx context.Context, cfg *config.Config, env config.Environment, commit string, purpose plan.Purpose) error {
	order, err := ReadOrder(ctx, s.Bucket)
	if err != nil {
		return err
	}
	if err := s.supersededBy(ctx, order, cfg, env, commit); err != nil {
		return err
	}
	has, err := ReadReached(ctx, s.Bucket, env.Name)
	if err != nil {
		return err
	}
	_, err = s.next(env, commit, purpose, map[string]stage.Deployed{env.Name: has}, order)
	return err
}

// ReadReached reads what is stored of an environment; the zero value is nothing.
func ReadReached(ctx context.Context, b bucket.Bucket, environment string) (stage.Deployed, error) {
	stored, err := b.Get(ctx, bucket.ReachedKey(environment))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return stage.Deployed{}, fmt.Errorf("reading which commit environment %s has: %w", environment, err)
	}
	return parseReached(environment, stored)
}

// Began reports whether the run has begun to deploy a commit to an environment, and no other
// run has since.
func (s Store) Began(ctx context.Context, environment, commit string) (bool, error) {
	has, err := ReadReached(ctx, s.Bucket, environment)
	return err == nil && has.Run != "" && has.Run == s.Engine.Run && has.Commit == commit, err
}

// giveBack stores again that an environment waits for an approval if a newer run has entered
// the order while this one took the approval away: that run may have found it there.
func (s Store) giveBack(ctx context.Context, environment string, had stage.Deployed) error {
	order, err := ReadOrder(ctx, s.Bucket)
	if err != nil || order.isNewest(s.Engine.Run) {
		return err
	}
	err = s.Bucket.Update(ctx, bucket.ReachedKey(environment), func(stored []byte) ([]byte, error) {
		has, err := parseReached(environment, stored)
		if err != nil {
			return nil, err
		}
		return encodeReached(environment, withApproval(has, had))
	})
	if err != nil {
		return fmt.Errorf("storing whether environment %s waits for an approval: %w", environment, err)
	}
	return nil
}

// withApproval adds the approvals of what an environment had.
func withApproval(has, had stage.Deployed) stage.Deployed {
	has.Approval = has.Approval || had.Approval
	has.Guarded = slices.Compact(slices.Sorted(slices.Values(slices.Concat(has.Guarded, had.Guarded))))
	return has
}

// next is the document of an environment that a commit begins to be deployed to.
func (s Store) next(env config.Environment, commit string, purpose plan.Purpose, all map[string]stage.Deployed, order Order) ([]byte, error) {
	environment, run, has := env.Name, s.Engine.Run, all[env.Name]
	if has.Run != "" && (order.After(has.Run, run) || isOvertaken(run, has.Run, all)) {
		return nil, errs.Supersededf("commit %s is superseded: run %s began to deploy commit %s to environment %s after run %s had begun", commit, has.Run, has.Commit, environment, run).
			WithHint("to go back to an older state: generator rollback %s; or push a revert: git revert", environment)
	}
	if err := order.refuses(Ordered{Run: run, Commit: commit}, purpose, has); err != nil {
		return nil, fmt.Errorf("environment %s: %w", environment, err)
	}
	if purpose.Builds() && len(order.Runs) > 0 && order.at(run) < 0 {
		return nil, errs.Failedf("run %s is not one of the last %d runs whose commits were compared: there are too many newer ones, or it took over the results of another run", run, maxOrder).
			WithHint("push a newer commit, or resubmit the run from its first step, by argo resubmit without --memoized; to deploy what the run built: generator retry")
	}
	former := append([]string{has.Run}, has.Former...)
	former = slices.DeleteFunc(former, func(name string) bool { return name == "" || name == run })
	next := stage.Deployed{
		Commit: commit, Run: run, Former: former[:min(len(former), maxFormer)], Refused: refusedAfter(commit, purpose, has),
		Account: env.Account, Region: env.Region, Approval: plan.RequiresApproval(env), Guarded: guardedBy(env, has),
	}
	if !order.isNewest(run) { // it takes no approval away that a newer commit may have added
		next = withApproval(next, has)
	}
	return encodeReached(environment, next)
}

// supersededBy refuses a run if a newer one waits for the same environment, unless the
// configuration says that each is deployed.
func (s Store) supersededBy(ctx context.Context, order Order, cfg *config.Config, env config.Environment, commit string) error {
	if cfg.Supersede == config.SupersedeNever {
		return nil
	}
	newer, found, err := s.waiting(ctx, order, cfg, env)
	if err != nil || !found {
		return err
	}
	return errs.Supersededf("commit %s is superseded: run %s waits for environment %s with the newer commit %s", commit, newer.Run, env.Name, newer.Commit).
		WithHint("if it waits for an approval, approve that run; to deploy every commit, set supersede: never")
}

// refusedAfter returns the newest commit that was rolled back, once a commit is deployed over
// what the environment has. A commit that follows from all of them leaves none.
func refusedAfter(commit string, purpose plan.Purpose, has stage.Deployed) string {
	switch {
	case commit == has.Commit: // again, or another attempt of the step
		return has.Refused
	case purpose == plan.ToRollBack:
		return cmp.Or(has.Refused, has.Commit)
	}
	return ""
}

// KeepApproval stores, before anything is deployed, where an environment is and whether it
// waits for an approval, as far as its document, has, does not say so. An approval stays
// until KeepReached takes it away.
func (s Store) KeepApproval(ctx context.Context, environment string, at, has stage.Deployed) error {
	if (has.Account != "" || at.Account == "") && (has.Approval || !at.Approval) {
		return nil
	}
	err := s.Bucket.Update(ctx, bucket.ReachedKey(environment), func(stored []byte) ([]byte, error) {
		has, err := parseReached(environment, stored)
		if err != nil {
			return nil, err
		}
		if has.Account == "" {
			has.Account, has.Region = at.Account, at.Region
		}
		has.Approval = has.Approval || at.Approval
		return encodeReached(environment, has)
	})
	if err != nil {
		return fmt.Errorf("storing whether environment %s waits for an approval: %w", environment, err)
	}
	return nil
}

// guardedBy returns the accounts that an environment left while it waited for an approval:
// the one that it leaves now is added, and one that it comes to without one is taken away,
// as a person approved that.
func guardedBy(env config.Environment, has stage.Deployed) []string {
	guarded := slices.Clone(has.Guarded)
	if has.Approval && has.Account != env.Account && has.Account != "" {
		guarded = append(guarded, has.Account)
	}
	if !plan.RequiresApproval(env) {
		guarded = slices.DeleteFunc(guarded, func(account string) bool { return account == env.Account })
	}
	slices.Sort(guarded)
	return slices.Compact(guarded)
}

func encodeReached(environment string, has stage.Deployed) ([]byte, error) {
	data, err := json.Marshal(has)
	if err != nil {
		return nil, fmt.Errorf("encoding the commit of environment %s: %w", environment, err)
	}
	return data, nil
}

func parseReached(environment string, data []byte) (has stage.Deployed, err error) {
	if data == nil {
		return has, nil
	}
	if err := json.Unmarshal(data, &has); err != nil {
		return has, errs.Failedf("reading which commit environment %s has: %w", environment, err)
	}
	return has, nil
}

// Reached returns what is stored of the environments: the newest commits that runs began to
// deploy, and which environments wait for an approval.
func (s Store) Reached(ctx context.Context) (map[string]stage.Deployed, error) {
	keys, err := s.Bucket.List(ctx, bucket.ReachedPrefix())
	if err != nil {
		return nil, fmt.Errorf("listing the commits that the environments have: %w", err)
	}
	all := map[string]stage.Deployed{}
	for _, key := range keys {
		environment, isOne := bucket.ReachedEnvironment(key)
		if !isOne {
			continue
		}
		if all[environment], err = ReadReached(ctx, s.Bucket, environment); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// isOvertaken reports whether another run began after a run, in any environment: environments
// get their commits in one order. It is for runs that no order has, of earlier versions.
func isOvertaken(run, other string, all map[string]stage.Deployed) bool {
	for _, has := range all {
		began := append([]string{has.Run}, has.Former...) // newest first
		at, isThere := slices.Index(began, other), slices.Index(began, run)
		if at >= 0 && at < isThere {
			return true
		}
	}
	return false
}
