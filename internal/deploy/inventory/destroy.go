package inventory

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// Removals returns what finds the stacks that earlier runs deployed to the environment of a
// request and that no environment of the commit deploys any more. It looks at the records of
// this environment alone. Failures are only logged: nothing is destroyed then.
func (s Store) Removals(cfg *config.Config, r deploy.Request) func(context.Context, deploy.Selection) []deploy.Removal {
	if s.Bucket == nil {
		return nil
	}
	return func(ctx context.Context, a deploy.Selection) []deploy.Removal {
		one, err := s.read(ctx, r.Name)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				s.Engine.Log.Warn(cannotTell, "error", err)
			}
			return nil
		}
		c := comparison{config: cfg, wanted: map[stackKey]bool{}, paths: map[string]bool{}}
		c.addWanted(a)
		gone, _ := c.unwanted([]inventory{one})
		if err := s.addOthers(ctx, c, r, gone); err != nil {
			s.Engine.Log.Warn(cannotTell, "error", err)
			return nil
		}
		gone, _ = c.unwanted([]inventory{one})
		var removals []deploy.Removal
		for _, o := range gone {
			if o.Account == r.Account { // that of an earlier account is reported, and left to a person
				removals = append(removals, deploy.Removal{
					Path: o.Stack, Name: o.Name, Region: o.Region, StackID: o.ID, DeployRole: o.role(), After: o.After, Reason: strings.Replace("it "+c.reason(o, r.Name), "it no ", "no ", 1),
				})
			}
		}
		return removals[:min(len(removals), maxRemoved)]
	}
}

// addOthers adds the stacks of the other environments to which one of these could belong now.
func (s Store) addOthers(ctx context.Context, c comparison, r deploy.Request, gone []owned) error {
	accounts := map[string]bool{}
	for _, o := range gone {
		accounts[o.Account] = true
	}
	for _, env := range c.config.Environments {
		if env.Name == r.Name || !accounts[env.Account] {
			continue
		}
		other := deploy.For(env)
		other.Workspace, other.Scratch, other.Commit, other.Branch = r.Workspace, filepath.Join(r.Scratch, "others", env.Name), r.Commit, r.Branch
		other.Assembly, other.Lookups, other.Limit = r.Assembly, r.Lookups, r.Limit
		a, err := s.Engine.Select(ctx, other)
		if err != nil {
			return fmt.Errorf("selecting the stacks of environment %s: %w", env.Name, err)
		}
		c.addWanted(a)
	}
	return nil
}

// destroyedOf returns the stacks that a deployment deleted.
func destroyedOf(r deploy.Request, out deploy.Outcome) (stacks []owned) {
	for _, result := range out.Results {
		if result.State == schedule.Done && result.Action == cfn.Destroyed {
			stacks = append(stacks, owned{Name: result.Name, Region: result.Region, accountAccess: accountAccess{Account: r.Account}})
		}
	}
	return stacks
}
