// Package inventory stores in the artifact bucket what was deployed to each
// environment: its stacks, their durations and their outputs. It finds stacks that
// were removed from the app or the configuration.
package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Store stores inventories. There is one per environment, so that environments
// that are deployed at once do not overwrite each other's.
type Store struct {
	Bucket bucket.Bucket // nil stores nothing
	Engine deploy.Engine // provides access to accounts, and the log
	// LooksOnly means that roles of accounts' own (roleArn) cannot be assumed.
	LooksOnly bool
}

// limit is the timeout for reading and writing inventories.
const limit = 10 * time.Second

// inventory is the stacks that runs have deployed to one environment.
type inventory struct {
	environment string
	Stacks      []owned `json:"stacks"`
}

// owned is a stack that a run deployed, with the access to describe it.
type owned struct {
	Stack  string `json:"stack"` // construct path
	Name   string `json:"name"`  // in CloudFormation
	Region string `json:"region"`
	accountAccess
	DeployRole     string `json:"deployRole,omitempty"`
	DeployExternal string `json:"deployExternalId,omitempty"`
	// ID is the ARN of the stack; a record of an earlier version does not have it.
	ID string `json:"stackId,omitempty"`
	// After are the stacks that it needs, each as "region/name in CloudFormation".
	After []string `json:"after,omitempty"`
}

// accountAccess is the access to an account.
type accountAccess struct {
	Account    string `json:"account"`
	At         string `json:"environmentRegion"`
	RoleARN    string `json:"roleArn,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
}

// stackKey identifies a stack in CloudFormation.
type stackKey struct{ account, region, name string }

func (o owned) stackKey() stackKey { return stackKey{o.Account, o.Region, o.Name} }

// ownedOf returns the stacks that were deployed, including failed ones.
func ownedOf(r deploy.Request, out deploy.Outcome) (stacks []owned) {
	in := accountAccess{Account: r.Account, At: r.Region, RoleARN: r.RoleARN, ExternalID: r.ExternalID}
	for _, result := range out.Results {
		at := slices.IndexFunc(out.Selection.Stacks, func(s deploy.SelectedStack) bool { return s.Stack == result.Stack })
		if at < 0 || result.State == schedule.Skipped {
			continue
		}
		s := out.Selection.Stacks[at]
		stacks = append(stacks, owned{
			Stack: s.Path, Name: s.Name, Region: s.Region, accountAccess: in, DeployRole: s.DeployRole.ARN, DeployExternal: s.DeployRole.ExternalID,
			ID: result.StackID, After: s.After,
		})
	}
	return stacks
}

// update stores the stacks of a deployment and, outside of a workflow, returns the
// stacks of earlier deployments that no environment deploys any more. In a
// workflow, the check of all environments returns them. Failures are only logged.
func (s Store) update(ctx context.Context, cfg *config.Config, r deploy.Request, out deploy.Outcome) []stage.RemovedStack {
	if s.Bucket == nil {
		return nil
	}
	deployed, destroyed := ownedOf(r, out), destroyedOf(r, out)
	if err := s.change(ctx, r.Name, func(stacks []owned) []owned { return add(deployed)(without(destroyed)(stacks)) }); err != nil {
		s.Engine.Log.Warn("cannot store the list of deployed stacks; stacks removed from the app will not be reported", "error", err)
	}
	if s.Engine.Run != "" || ctx.Err() != nil {
		return nil
	}
	removed, err := s.removedAfter(ctx, cfg, r, out)
	if err != nil {
		s.Engine.Log.Warn(cannotTell, "error", err)
	}
	return removed
}

const cannotTell = "cannot tell whether earlier runs deployed stacks that were removed from the app or the configuration"

// role is the role that deployed the stack.
func (o owned) role() awsauth.Role {
	return awsauth.Role{ARN: o.DeployRole, ExternalID: o.DeployExternal}
}

// Valid values in an inventory. As these decide which roles are assumed, and are
// printed, stacks with other values are ignored.
var (
	stackPattern       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
	accountPattern     = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern      = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	environmentPattern = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)
	pathPattern        = regexp.MustCompile(`^[\x21-\x7e]{1,1000}$`)
)

func (o owned) isValid() bool {
	ofAccount := func(role string) bool {
		parsed, err := arn.Parse(role)
		return role == "" || err == nil && parsed.Service == "iam" && parsed.AccountID == o.Account && strings.HasPrefix(parsed.Resource, "role/")
	}
	return stackPattern.MatchString(o.Name) && pathPattern.MatchString(o.Stack) && accountPattern.MatchString(o.Account) &&
		regionPattern.MatchString(o.Region) && regionPattern.MatchString(o.At) && ofAccount(o.RoleARN) && ofAccount(o.DeployRole)
}

// readAll reads the inventories of all environments, including those that are not
// in the configuration any more.
func (s Store) readAll(ctx context.Context) ([]inventory, error) {
	keys, err := s.Bucket.List(ctx, bucket.StacksPrefix())
	if err != nil {
		return nil, err
	}
	var all []inventory
	for _, key := range keys {
		name, ok := bucket.StacksEnvironment(key)
		if !ok || !environmentPattern.MatchString(name) {
			continue
		}
		one, err := s.read(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (s Store) read(ctx context.Context, environment string) (inventory, error) {
	data, err := s.Bucket.Get(ctx, bucket.StacksKey(environment))
	if err != nil {
		return inventory{environment: environment}, err
	}
	return parse(environment, data)
}

func parse(environment string, data []byte) (inventory, error) {
	one := inventory{environment: environment}
	if err := json.Unmarshal(data, &one); err != nil {
		return one, fmt.Errorf("reading %q: %w", bucket.StacksKey(environment), err)
	}
	one.Stacks = slices.DeleteFunc(one.Stacks, func(o owned) bool { return !o.isValid() })
	return one, nil
}

// change reads an inventory, changes it and stores it if it differs. It does not
// overwrite an inventory that cannot be read, nor a change that another run makes meanwhile.
func (s Store) change(ctx context.Context, environment string, change func([]owned) []owned) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return s.Bucket.Update(ctx, bucket.StacksKey(environment), func(stored []byte) (_ []byte, err error) {
		one := inventory{environment: environment, Stacks: []owned{}}
		if stored != nil {
			if one, err = parse(environment, stored); err != nil {
				return nil, err
			}
		}
		before, beforeErr := one.encode()
		one.Stacks = change(one.Stacks)
		after, afterErr := one.encode()
		if err := errors.Join(beforeErr, afterErr); err != nil || bytes.Equal(before, after) {
			return nil, err
		}
		return after, nil
	})
}

func (i inventory) encode() ([]byte, error) {
	slices.SortFunc(i.Stacks, func(a, b owned) int {
		return strings.Compare(a.Account+a.Region+a.Name, b.Account+b.Region+b.Name)
	})
	data, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("encoding the inventory of %q: %w", i.environment, err)
	}
	return data, nil
}

// add returns a change that adds or replaces the stacks of a deployment.
func add(deployed []owned) func([]owned) []owned {
	return func(stacks []owned) []owned {
		return append(without(deployed)(stacks), deployed...)
	}
}

// without returns a change that removes stacks.
func without(gone []owned) func([]owned) []owned {
	keys := map[stackKey]bool{}
	for _, o := range gone {
		keys[o.stackKey()] = true
	}
	return func(stacks []owned) []owned {
		return slices.DeleteFunc(slices.Clone(stacks), func(o owned) bool { return keys[o.stackKey()] })
	}
}
