package inventory

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Bounds of the search for stacks that were removed.
const (
	// maxRemoved is how many are asked for and named; the others follow when these are gone.
	maxRemoved   = 50
	maxText      = 500 // bytes of an error
	askLimit     = 30 * time.Second
	placesAtOnce = 8
)

// comparison is what inventories are held against.
type comparison struct {
	config *config.Config
	wanted map[spot]bool   // stacks that environments of the commit deploy
	paths  map[string]bool // construct paths of all stacks of the app
}

// Removed finds the stacks that earlier runs deployed and that no environment of
// the commit deploys any more, by what all of its environments deploy. Nothing
// fails for it.
func (s Store) Removed(ctx context.Context, cfg *config.Config, all []deploy.Selection) []stage.RemovedStack {
	if s.Bucket == nil {
		return nil
	}
	found, err := s.readAll(ctx)
	if err != nil {
		s.Engine.Log.Warn(unknown, "error", err)
		return nil
	}
	c := comparison{config: cfg, wanted: map[spot]bool{}, paths: map[string]bool{}}
	for _, a := range all {
		c.want(a)
	}
	return s.removed(ctx, found, c)
}

// removedAfter compares after the deployment of one environment, which no check
// of all environments came before: with the stacks of that environment and of
// those that the configuration does not have any more. Other environments are
// synthesized only where one of these stacks could be theirs.
func (s Store) removedAfter(ctx context.Context, cfg *config.Config, r deploy.Request, out deploy.Outcome) ([]stage.RemovedStack, error) {
	found, err := s.readAll(ctx)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(one inventory) bool {
		_, declared := cfg.Environment(one.environment)
		return declared && one.environment != r.Name
	})
	c := comparison{config: cfg, wanted: map[spot]bool{}, paths: map[string]bool{}}
	c.want(out.Selection)
	left, _ := c.unwanted(found)
	accounts := map[string]bool{}
	for _, o := range left {
		accounts[o.Account] = true
	}
	for _, env := range cfg.Environments {
		if env.Name == r.Name || !accounts[env.Account] {
			continue
		}
		other := deploy.For(env)
		other.Workspace, other.Scratch, other.Commit, other.Branch = r.Workspace, filepath.Join(r.Scratch, "others", env.Name), r.Commit, r.Branch
		other.Assembly, other.Lookups, other.Limit = r.Assembly, r.Lookups, r.Limit
		a, err := s.Engine.Select(ctx, other)
		if err != nil {
			return nil, fmt.Errorf("looking for the stacks of environment %s: %w", env.Name, err)
		}
		c.want(a)
	}
	return s.removed(ctx, found, c), nil
}

// removed finds the stacks of inventories that no environment wants any more,
// asks CloudFormation whether they exist, once each, and forgets those that do
// not. Nothing fails for it: what cannot be asked is said.
func (s Store) removed(ctx context.Context, found []inventory, c comparison) []stage.RemovedStack {
	left, homes := c.unwanted(found)
	if len(left) == 0 {
		return nil
	}
	if more := len(left) - maxRemoved; more > 0 {
		s.Engine.Log.Warn("only some of the stacks that earlier runs deployed and that are gone are looked at", "looked at", maxRemoved, "more", more)
		left = left[:maxRemoved]
	}
	answers := s.lookAt(ctx, left, homes)
	var removed []stage.RemovedStack
	var missing []owned
	for i, o := range left {
		if answers[i].err == nil && answers[i].status == "" {
			missing = append(missing, o)
			continue
		}
		r := stage.RemovedStack{
			Environment: homes[o.spot()], Stack: o.Stack, Name: o.Name, Account: o.Account, Region: o.Region,
			Reason: c.reason(o, homes[o.spot()]), Status: answers[i].status, Key: bucket.StacksKey(homes[o.spot()]),
		}
		if answers[i].err != nil {
			r.Unknown = s.Engine.Redactor.String(firstLine(answers[i].err))
		}
		s.Engine.Log.Warn(r.String())
		removed = append(removed, r)
	}
	s.forget(ctx, found, missing)
	return removed
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.ToValidUTF8(line[:min(len(line), maxText)], "")
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
func (s Store) forget(ctx context.Context, found []inventory, missing []owned) {
	spots := map[spot]bool{}
	for _, o := range missing {
		spots[o.spot()] = true
	}
	for _, one := range found {
		if !slices.ContainsFunc(one.Stacks, func(o owned) bool { return spots[o.spot()] }) {
			continue
		}
		if err := s.change(ctx, one.environment, without(missing)); err != nil {
			s.Engine.Log.Warn("cannot remove deleted stacks from the list; they will be checked again", "environment", one.environment, "error", err)
		}
	}
}

// answer is what CloudFormation said of a stack; neither status nor error is no stack.
type answer struct {
	status string
	err    error
}

// lookAt asks for each stack, those of one place after each other.
func (s Store) lookAt(ctx context.Context, stacks []owned, homes map[spot]string) []answer {
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
			entry, err := s.Engine.Assume(ctx, s.Engine.Log, awsauth.Target{
				Account: way.Account, Region: way.At, RoleARN: way.RoleARN, ExternalID: way.ExternalID, Environment: homes[stacks[list[0]].spot()], Run: s.Engine.Run,
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
func statusOf(ctx context.Context, entry *awsauth.Access, o owned) (string, error) {
	session, err := entry.Assume(ctx, o.role(), o.Region)
	if err == nil {
		found, err := status(ctx, session, o.Name)
		if !awsauth.IsDenied(err) {
			return found, err
		}
	}
	reader, err := entry.Reader(ctx)
	if err != nil {
		return "", err
	}
	return status(ctx, reader.In(o.Region), o.Name)
}

func status(ctx context.Context, session *awsauth.Session, stack string) (string, error) {
	found, err := cfn.Find(ctx, cfn.NewClient(session.Config), stack)
	if err != nil || found == nil {
		return "", session.Explain(err)
	}
	return string(found.StackStatus), nil
}

// want adds what an environment deploys.
func (c comparison) want(a deploy.Selection) {
	for _, s := range a.Stacks {
		c.wanted[spot{s.Account, s.Region, s.Name}] = true
	}
	for _, path := range a.Paths {
		c.paths[path] = true
	}
}
