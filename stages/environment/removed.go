package environment

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Bounds of the search for stacks that were removed.
const (
	// maxRemoved is how many are asked for and named; the others follow when these are gone.
	maxRemoved   = 50
	askLimit     = 30 * time.Second
	placesAtOnce = 8
)

// comparison is what inventories are held against.
type comparison struct {
	bucket string
	config *config.Config
	wanted map[spot]bool   // stacks that environments of the commit deploy
	paths  map[string]bool // construct paths of all stacks of the app
}

// removed finds the stacks of inventories that no environment wants any more,
// asks CloudFormation whether they exist, once each, and forgets those that do
// not. Nothing fails for it: what cannot be asked is said.
func (d Deps) removed(ctx context.Context, frame stage.Frame, found []inventory, c comparison) []stage.RemovedStack {
	left, homes := c.unwanted(found)
	if len(left) == 0 {
		return nil
	}
	if more := len(left) - maxRemoved; more > 0 {
		frame.Log.Warn("only some of the stacks that earlier runs deployed and that are gone are looked at", "looked at", maxRemoved, "more", more)
		left = left[:maxRemoved]
	}
	answers := d.lookAt(ctx, frame, left)
	var removed []stage.RemovedStack
	var missing []owned
	for i, o := range left {
		if answers[i].err == nil && answers[i].status == "" {
			missing = append(missing, o)
			continue
		}
		r := stage.RemovedStack{
			Environment: homes[o.spot()], Stack: o.Stack, Name: o.Name, Account: o.Account, Region: o.Region,
			Reason: c.reason(o, homes[o.spot()]), Status: answers[i].status, Key: InventoryKey(homes[o.spot()]),
		}
		if answers[i].err != nil {
			r.Unknown = frame.Redactor.String(firstLine(answers[i].err))
		}
		frame.Log.Warn(r.String())
		removed = append(removed, r)
	}
	d.forget(ctx, frame, c.bucket, found, missing)
	return removed
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.ToValidUTF8(line[:min(len(line), maxErrorText)], "")
}

// unwanted lists the stacks that nobody wants, each once, and the environment
// that each was deployed to.
func (c comparison) unwanted(found []inventory) (left []owned, homes map[spot]string) {
	homes = map[spot]string{}
	for _, one := range found {
		for _, o := range one.Stacks {
			if _, known := homes[o.spot()]; known || c.wanted[o.spot()] {
				continue
			}
			homes[o.spot()] = one.environment
			left = append(left, o)
		}
	}
	return left, homes
}

// reason completes "… was deployed by an earlier run and …".
func (c comparison) reason(o owned, environment string) string {
	_, declared := c.config.Environment(environment)
	switch {
	case !declared:
		return "its environment is not in the configuration any more"
	case c.paths[o.Stack]:
		return "no environment deploys it there any more"
	}
	return "is not in the app any more"
}

// forget takes stacks that do not exist out of the inventories.
func (d Deps) forget(ctx context.Context, frame stage.Frame, bucket string, found []inventory, missing []owned) {
	spots := map[spot]bool{}
	for _, o := range missing {
		spots[o.spot()] = true
	}
	for _, one := range found {
		if !slices.ContainsFunc(one.Stacks, func(o owned) bool { return spots[o.spot()] }) {
			continue
		}
		if err := d.changeInventory(ctx, bucket, one.environment, without(missing)); err != nil {
			frame.Log.Warn("stacks that exist no more could not be forgotten, and are asked for again", "environment", one.environment, "error", err)
		}
	}
}

// answer is what CloudFormation said of a stack; neither status nor error is no stack.
type answer struct {
	status string
	err    error
}

// lookAt asks for each stack, those of one place after each other.
func (d Deps) lookAt(ctx context.Context, frame stage.Frame, stacks []owned) []answer {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	answers := make([]answer, len(stacks))
	places := map[entrance][]int{}
	for i, o := range stacks {
		places[o.entrance] = append(places[o.entrance], i)
	}
	var group errgroup.Group
	group.SetLimit(placesAtOnce)
	for way, list := range places {
		group.Go(func() error {
			entry, err := d.Enter(ctx, frame.Log, account.Target{
				Account: way.Account, Region: way.At, RoleARN: way.RoleARN, ExternalID: way.ExternalID, Name: "aphex-removed-" + frame.Workflow,
			})
			for _, i := range list {
				if answers[i].err = err; err == nil {
					answers[i].status, answers[i].err = statusOf(ctx, entry, stacks[i])
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	return answers
}

// statusOf asks with the role that deployed the stack, or where that is refused
// with what may look at the account; "" is no stack.
func statusOf(ctx context.Context, entry *account.Entry, o owned) (string, error) {
	session, err := entry.Assume(ctx, o.role(), o.Region)
	if err == nil {
		found, err := status(ctx, session, o.Name)
		if !account.IsDenied(err) {
			return found, err
		}
	}
	return status(ctx, entry.Reader(ctx).In(o.Region), o.Name)
}

func status(ctx context.Context, session *account.Session, stack string) (string, error) {
	found, err := cfn.Find(ctx, cfn.NewClient(session.Config), stack)
	if err != nil || found == nil {
		return "", session.Explain(err)
	}
	return string(found.StackStatus), nil
}

// takeStock remembers what was deployed and, where a person called, says which
// stacks of earlier deployments nobody wants any more.
func (d Deps) takeStock(ctx context.Context, frame stage.Frame, tell *telling, in Input, cfg *config.Config, j *job, results []Result) []stage.RemovedStack {
	if err := d.changeInventory(ctx, in.Bucket, in.Environment, add(j.ownedOf(results))); err != nil {
		frame.Log.Warn("which stacks were deployed was not kept; when they are removed from the app, nothing says it", "error", err)
	}
	if frame.Workflow != "" || ctx.Err() != nil {
		return nil
	}
	removed, err := d.removedOf(ctx, frame, tell, in, cfg, j)
	if err != nil {
		frame.Log.Warn("whether earlier runs deployed stacks that are gone from app or configuration is not known", "error", err)
	}
	return removed
}

// removedOf compares after a deployment by hand, which no check of all
// environments came before: with the stacks of its environment and of those that
// the configuration does not have any more. Other environments are synthesized
// only where one of these stacks could be theirs.
func (d Deps) removedOf(ctx context.Context, frame stage.Frame, tell *telling, in Input, cfg *config.Config, j *job) ([]stage.RemovedStack, error) {
	found, err := d.readInventories(ctx, in.Bucket)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(one inventory) bool {
		_, declared := cfg.Environment(one.environment)
		return declared && one.environment != in.Environment
	})
	c := comparison{bucket: in.Bucket, config: cfg, wanted: map[spot]bool{}, paths: map[string]bool{}}
	c.want(arrangedOf(j.Environment, j.all, j.apps))
	left, _ := c.unwanted(found)
	accounts := map[string]bool{}
	for _, o := range left {
		accounts[o.Account] = true
	}
	check := CheckRequest{
		Config: cfg, Commit: in.Commit, Branch: in.Branch, Scratch: filepath.Join(j.Scratch, "others"), Assembly: in.Assembly, Lookups: j.Lookups, Limit: j.Limit,
	}
	for _, env := range cfg.Environments {
		if env.Name == in.Environment || !accounts[env.Account] {
			continue
		}
		other, err := check.arrange(ctx, d, frame, tell, env, j.Workspace)
		if err != nil {
			return nil, fmt.Errorf("looking for the stacks of environment %s: %w", env.Name, err)
		}
		c.want(other)
	}
	return d.removed(ctx, frame, found, c), nil
}

// want adds what an environment deploys.
func (c comparison) want(a arranged) {
	for _, s := range a.spots {
		c.wanted[s] = true
	}
	for _, path := range a.all {
		c.paths[path] = true
	}
}
