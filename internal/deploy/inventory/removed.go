package inventory

import (
	"context"
	"fmt"
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

// Limits of the search for removed stacks.
const (
	// maxRemoved is the number of stacks to report; the others follow when these are deleted.
	maxRemoved    = 50
	maxText       = 500 // bytes of an error
	describeLimit = 30 * time.Second
	maxConcurrent = 8
)

// comparison is what inventories are compared with.
type comparison struct {
	config *config.Config
	wanted map[stackKey]bool // stacks that environments of the commit deploy
	paths  map[string]bool   // construct paths of all stacks of the app
}

// Removed returns the stacks that earlier runs deployed and that no environment of
// the commit deploys any more, given the selections of all environments, but for those that
// the deployment of their environment is going to destroy. Failures are only logged.
func (s Store) Removed(ctx context.Context, cfg *config.Config, all []deploy.Selection) []stage.RemovedStack {
	if s.Bucket == nil {
		return nil
	}
	found, err := s.readAll(ctx)
	if err != nil {
		s.Engine.Log.Warn(cannotTell, "error", err)
		return nil
	}
	c := comparison{config: cfg, wanted: map[stackKey]bool{}, paths: map[string]bool{}}
	for _, a := range all {
		c.addWanted(a)
	}
	for i := range found {
		env, declared := cfg.Environment(found[i].environment)
		found[i].Stacks = slices.DeleteFunc(found[i].Stacks, func(o owned) bool {
			return declared && env.OnRemovedStack == config.DestroyRemoved && o.ID != "" && o.Account == env.Account
		})
	}
	return s.removed(ctx, found, c)
}

// removedAfter is Removed after the deployment of one environment, without a check
// of all environments. It considers the inventories of that environment and of
// environments that are not in the configuration any more, and synthesizes other
// environments only if one of these stacks could be theirs.
func (s Store) removedAfter(ctx context.Context, cfg *config.Config, r deploy.Request, out deploy.Outcome) ([]stage.RemovedStack, error) {
	found, err := s.readAll(ctx)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(one inventory) bool {
		_, declared := cfg.Environment(one.environment)
		return declared && one.environment != r.Name
	})
	c := comparison{config: cfg, wanted: map[stackKey]bool{}, paths: map[string]bool{}}
	c.addWanted(out.Selection)
	gone, _ := c.unwanted(found)
	if err := s.addOthers(ctx, c, r, gone); err != nil {
		return nil, err
	}
	return s.removed(ctx, found, c), nil
}

// removed returns the stacks of inventories that no environment deploys any more
// and that exist in CloudFormation, and forgets those that do not exist. A stack
// that cannot be described is returned with the error.
func (s Store) removed(ctx context.Context, found []inventory, c comparison) []stage.RemovedStack {
	gone, environments := c.unwanted(found)
	if len(gone) == 0 {
		return nil
	}
	if more := len(gone) - maxRemoved; more > 0 {
		s.Engine.Log.Warn("too many removed stacks; only some are checked", "checked", maxRemoved, "more", more)
		gone = gone[:maxRemoved]
	}
	statuses := s.describeAll(ctx, gone, environments)
	var removed []stage.RemovedStack
	var missing []owned
	for i, o := range gone {
		if statuses[i].err == nil && statuses[i].status == "" {
			missing = append(missing, o)
			continue
		}
		r := stage.RemovedStack{
			Environment: environments[o.stackKey()], Stack: o.Stack, Name: o.Name, Account: o.Account, Region: o.Region,
			Reason: c.reason(o, environments[o.stackKey()]), Status: statuses[i].status, Key: bucket.StacksKey(environments[o.stackKey()]),
		}
		if statuses[i].err != nil {
			r.Unknown = s.Engine.Redactor.String(firstLine(statuses[i].err))
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

// unwanted returns the stacks that no environment deploys, each once, and the
// environment that each was deployed to.
func (c comparison) unwanted(found []inventory) (gone []owned, environments map[stackKey]string) {
	environments = map[stackKey]string{}
	for _, one := range found {
		for _, o := range one.Stacks {
			if _, known := environments[o.stackKey()]; known || c.wanted[o.stackKey()] {
				continue
			}
			environments[o.stackKey()] = one.environment
			gone = append(gone, o)
		}
	}
	return gone, environments
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

// forget removes stacks that do not exist from the inventories.
func (s Store) forget(ctx context.Context, found []inventory, missing []owned) {
	keys := map[stackKey]bool{}
	for _, o := range missing {
		keys[o.stackKey()] = true
	}
	for _, one := range found {
		if !slices.ContainsFunc(one.Stacks, func(o owned) bool { return keys[o.stackKey()] }) {
			continue
		}
		if err := s.change(ctx, one.environment, without(missing)); err != nil {
			s.Engine.Log.Warn("cannot remove deleted stacks from the list; they will be checked again", "environment", one.environment, "error", err)
		}
	}
}

// stackStatus is the status of a stack in CloudFormation; neither status nor error is no stack.
type stackStatus struct {
	status string
	err    error
}

// describeAll describes each stack, those with the same access one after the other.
func (s Store) describeAll(ctx context.Context, stacks []owned, environments map[stackKey]string) []stackStatus {
	ctx, cancel := context.WithTimeout(ctx, describeLimit)
	defer cancel()
	statuses := make([]stackStatus, len(stacks))
	byAccess := map[accountAccess][]int{}
	for i, o := range stacks {
		byAccess[o.accountAccess] = append(byAccess[o.accountAccess], i)
	}
	var group errgroup.Group
	group.SetLimit(maxConcurrent)
	for from, list := range byAccess {
		group.Go(func() error {
			if s.LooksOnly && from.RoleARN != "" {
				for _, i := range list {
					statuses[i].err = byHand(stacks[i])
				}
				return nil
			}
			access, err := s.Engine.Assume(ctx, s.Engine.Log, awsauth.Target{
				Account: from.Account, Region: from.At, RoleARN: from.RoleARN, ExternalID: from.ExternalID, Environment: environments[stacks[list[0]].stackKey()], Run: s.Engine.Run,
			})
			for _, i := range list {
				if statuses[i].err = err; err == nil {
					statuses[i].status, statuses[i].err = statusOf(ctx, access, stacks[i])
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	return statuses
}

// byHand says how a person checks a stack that a role of the account's own deployed, which
// only the deployments to that account may assume.
func byHand(o owned) error {
	return fmt.Errorf("only deployments assume %s, so a person checks it, with credentials of account %s: aws cloudformation describe-stacks --stack-name %s --region %s",
		o.RoleARN, o.Account, o.Name, o.Region)
}

// statusOf describes a stack with a role that may read, or if that is denied with the
// role that deployed it, which the update of the pipeline may not assume; "" is no stack.
func statusOf(ctx context.Context, access *awsauth.Access, o owned) (string, error) {
	reader, err := access.Reader(ctx)
	if err == nil {
		found, err := status(ctx, reader.In(o.Region), o.Name)
		if !awsauth.IsDenied(err) {
			return found, err
		}
	}
	session, err := access.Assume(ctx, o.role(), o.Region)
	if err != nil {
		return "", err
	}
	return status(ctx, session, o.Name)
}

func status(ctx context.Context, session *awsauth.Session, stack string) (string, error) {
	found, err := cfn.Find(ctx, cfn.NewClient(session.Config), stack)
	if err != nil || found == nil {
		return "", session.Explain(err)
	}
	return string(found.StackStatus), nil
}

// addWanted adds the stacks of an environment.
func (c comparison) addWanted(a deploy.Selection) {
	for _, s := range a.Stacks {
		c.wanted[stackKey{s.Account, s.Region, s.Name}] = true
	}
	for _, path := range a.Paths {
		c.paths[path] = true
	}
}
