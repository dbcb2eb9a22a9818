package validation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// skips returns why the run of a push has nothing to do, or "". It has nothing to do if no
// file of triggers.paths differs from what is deployed: from the commit of the last run
// that succeeded, from the commit of each environment, as a run that failed may have deployed
// another one to some of them, and from that of the newest run, which may be under way. Commits that were skipped, failed or pushed together
// are in these differences, so that none is lost. Where the comparison is impossible, the run goes on.
func (d Deps) skips(ctx context.Context, frame stage.Frame, in Input, dir string) (string, error) {
	run, ok := plan.ParseRunName(in.Prefix, frame.Workflow)
	cfg, err := config.LoadCommitted(dir, in.Config, "")
	if err != nil || len(cfg.Triggers.Paths) == 0 || frame.Workflow == "" { // what is wrong with the configuration is a finding
		return "", nil
	}
	if !ok || in.Bucket == "" || run != (plan.NameOfRun{Prefix: in.Prefix, Commit: run.Commit}) {
		frame.Log.Info("triggers.paths is for pushes; this run deploys whatever has changed")
		return "", nil
	}
	last, before, err := d.deployed(ctx, in.Bucket, cfg)
	if err != nil {
		return "", d.goesOn(frame, "reading what is deployed", err)
	}
	for _, commit := range before {
		counts := func(file string) bool { return cfg.Triggers.Counts(file, in.Config) }
		file, err := d.Changed(ctx, frame, in, commit, counts)
		if err != nil {
			return "", d.goesOn(frame, "comparing the commit with "+commit+", which is deployed", err)
		}
		if file != "" {
			frame.Log.Info("a file of triggers.paths has changed", "file", file, "since", commit)
			return "", nil
		}
	}
	if len(before) == 0 {
		frame.Log.Info("not every environment has been deployed yet: triggers.paths does not end the run")
		return "", nil
	}
	return "no file of triggers.paths has changed since " + last + ", which is deployed", nil
}

// goesOn returns the error only if another attempt may help: a run that should have ended
// does no harm, one that ends although it should not does.
func (d Deps) goesOn(frame stage.Frame, doing string, err error) error {
	if kind := errs.KindOf(err); kind == errs.Temporary || kind == errs.Cancelled {
		return fmt.Errorf("%s: %w", doing, err)
	}
	frame.Log.Warn("triggers.paths does not end the run: "+doing+" failed", "error", err, "hint", errs.HintOf(err))
	return nil
}

// deployed returns the commit that the last successful run deployed, and it with all that
// environments have. There are none if one of the configuration's environments has no commit.
func (d Deps) deployed(ctx context.Context, name string, cfg *config.Config) (last string, all []string, err error) {
	store, err := d.Open(ctx, name)
	if err != nil {
		return "", nil, err
	}
	keys, err := store.List(ctx, bucket.ReachedPrefix())
	if err != nil {
		return "", nil, err
	}
	commits := map[string]bool{}
	for _, env := range cfg.Environments {
		if !slices.Contains(keys, bucket.ReachedKey(env.Name)) {
			return "", nil, nil
		}
		has, err := commitIn(ctx, store, bucket.ReachedKey(env.Name))
		if has == "" || err != nil {
			return "", nil, err
		}
		commits[has] = true
	}
	if keys, err = store.List(ctx, bucket.DeployedKey()); err != nil || !slices.Contains(keys, bucket.DeployedKey()) {
		return "", nil, err
	}
	if last, err = commitIn(ctx, store, bucket.DeployedKey()); last == "" || err != nil {
		return "", nil, err
	}
	commits[last] = true
	next, err := newest(ctx, store)
	if err != nil {
		return "", nil, err
	}
	if next != "" {
		commits[next] = true
	}
	return last, slices.Sorted(maps.Keys(commits)), nil
}

// newest returns the commit of the newest run that has begun to update the pipeline, as it
// may be about to deploy it; "" is none.
func newest(ctx context.Context, store bucket.Bucket) (string, error) {
	keys, err := store.List(ctx, bucket.OrderKey())
	if err != nil || !slices.Contains(keys, bucket.OrderKey()) {
		return "", err
	}
	data, err := store.Get(ctx, bucket.OrderKey())
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", bucket.OrderKey(), err)
	}
	var order struct {
		Runs []struct {
			Commit string `json:"commit"`
		} `json:"runs"` // newest last
	}
	if err := json.Unmarshal(data, &order); err != nil {
		return "", errs.Failedf("reading %s: %w", bucket.OrderKey(), err)
	}
	if len(order.Runs) == 0 {
		return "", nil
	}
	return order.Runs[len(order.Runs)-1].Commit, nil
}

func commitIn(ctx context.Context, store bucket.Bucket, key string) (string, error) {
	data, err := store.Get(ctx, key)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", key, err)
	}
	var has stage.Deployed
	if err := json.Unmarshal(data, &has); err != nil {
		return "", errs.Failedf("reading %s: %w", key, err)
	}
	return has.Commit, nil
}

// checkTag refuses the run of a tag whose commit is not on the branch: rules of the
// repository for the branch, such as reviews, do not apply to tags.
func (d Deps) checkTag(ctx context.Context, frame stage.Frame, in Input) error {
	if run, ok := plan.ParseRunName(in.Prefix, frame.Workflow); !ok || run.Tag == "" {
		return nil
	}
	on, err := d.OnBranch(ctx, frame, in)
	if err != nil {
		return fmt.Errorf("looking for the tagged commit %s on branch %s: %w", in.Commit, in.Branch, err)
	}
	if !on {
		return errs.Invalidf("the tagged commit %s is not on branch %s", in.Commit, in.Branch).
			WithHint("merge it into the branch, and push the tag again")
	}
	return nil
}
