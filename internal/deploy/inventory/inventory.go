// Package inventory keeps in the artifact bucket what was deployed to each
// environment: its stacks, how long they took, and their outputs. It finds stacks
// that are gone from app or configuration.
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

// Store is where inventories are kept, and what is needed to look at the stacks.
// The deployment of an environment alone adds to that environment's, so that
// environments that are deployed at once do not lose each other's.
type Store struct {
	Bucket bucket.Bucket // nil keeps nothing
	Engine deploy.Engine // its access to accounts, its log
}

// limit bounds the reading and the writing of inventories.
const limit = 10 * time.Second

// inventory is what runs have deployed to one environment.
type inventory struct {
	environment string
	Stacks      []owned `json:"stacks"`
}

// owned is a stack that a run deployed, and how to look at it.
type owned struct {
	Stack  string `json:"stack"` // construct path
	Name   string `json:"name"`  // in CloudFormation
	Region string `json:"region"`
	entrance
	DeployRole     string `json:"deployRole,omitempty"`
	DeployExternal string `json:"deployExternalId,omitempty"`
}

// entrance is how an account was entered.
type entrance struct {
	Account    string `json:"account"`
	At         string `json:"environmentRegion"`
	RoleARN    string `json:"roleArn,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
}

// spot is what CloudFormation knows one stack by.
type spot struct{ account, region, name string }

func (o owned) spot() spot { return spot{o.Account, o.Region, o.Name} }

// ownedOf describes the stacks of a deployment that were touched.
func ownedOf(r deploy.Request, out deploy.Outcome) (stacks []owned) {
	in := entrance{Account: r.Account, At: r.Region, RoleARN: r.RoleARN, ExternalID: r.ExternalID}
	for _, result := range out.Results {
		at := slices.IndexFunc(out.Selection.Stacks, func(s deploy.SelectedStack) bool { return s.Stack == result.Stack })
		if at < 0 || result.State == schedule.Skipped {
			continue
		}
		s := out.Selection.Stacks[at]
		stacks = append(stacks, owned{
			Stack: s.Path, Name: s.Name, Region: s.Region, entrance: in, DeployRole: s.DeployRole.ARN, DeployExternal: s.DeployRole.ExternalID,
		})
	}
	return stacks
}

// Update remembers what a deployment touched and, where a person called it,
// gives the stacks of earlier deployments that nothing deploys any more: of a
// pipeline's run the check of all environments gives them, before. Nothing fails
// for it.
func (s Store) Update(ctx context.Context, cfg *config.Config, r deploy.Request, out deploy.Outcome) []stage.RemovedStack {
	if s.Bucket == nil {
		return nil
	}
	if err := s.change(ctx, r.Name, add(ownedOf(r, out))); err != nil {
		s.Engine.Log.Warn("cannot store the list of deployed stacks; stacks removed from the app will not be reported", "error", err)
	}
	if s.Engine.Run != "" || ctx.Err() != nil {
		return nil
	}
	removed, err := s.removedAfter(ctx, cfg, r, out)
	if err != nil {
		s.Engine.Log.Warn(unknown, "error", err)
	}
	return removed
}

// unknown is what is said where inventories cannot be read.
const unknown = "whether earlier runs deployed stacks that are gone from app or configuration is not known"

// role is what the stack was deployed by.
func (o owned) role() awsauth.Role {
	return awsauth.Role{ARN: o.DeployRole, ExternalID: o.DeployExternal}
}

// Forms of what an inventory holds. It decides which roles are assumed, and is
// printed: what looks like nothing that a deployment wrote is left out.
var (
	stackForm       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
	accountForm     = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm      = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	environmentForm = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$`)
	pathForm        = regexp.MustCompile(`^[\x21-\x7e]{1,1000}$`)
)

func (o owned) sound() bool {
	ofAccount := func(role string) bool {
		parsed, err := arn.Parse(role)
		return role == "" || err == nil && parsed.Service == "iam" && parsed.AccountID == o.Account && strings.HasPrefix(parsed.Resource, "role/")
	}
	return stackForm.MatchString(o.Name) && pathForm.MatchString(o.Stack) && accountForm.MatchString(o.Account) &&
		regionForm.MatchString(o.Region) && regionForm.MatchString(o.At) && ofAccount(o.RoleARN) && ofAccount(o.DeployRole)
}

// readAll reads the inventories of all environments, those included that
// the configuration does not have any more.
func (s Store) readAll(ctx context.Context) ([]inventory, error) {
	keys, err := s.Bucket.List(ctx, bucket.StacksPrefix())
	if err != nil {
		return nil, err
	}
	var all []inventory
	for _, key := range keys {
		name, ok := bucket.StacksEnvironment(key)
		if !ok || !environmentForm.MatchString(name) {
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
	one, key := inventory{environment: environment}, bucket.StacksKey(environment)
	data, err := s.Bucket.Get(ctx, key)
	if err != nil {
		return one, err
	}
	if err := json.Unmarshal(data, &one); err != nil {
		return one, fmt.Errorf("reading %q: %w", key, err)
	}
	one.Stacks = slices.DeleteFunc(one.Stacks, func(o owned) bool { return !o.sound() })
	return one, nil
}

// change reads an inventory, changes it and stores it, where that makes
// a difference. What cannot be read is not overwritten.
func (s Store) change(ctx context.Context, environment string, change func([]owned) []owned) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	key := bucket.StacksKey(environment)
	keys, err := s.Bucket.List(ctx, key)
	if err != nil {
		return err
	}
	one := inventory{environment: environment, Stacks: []owned{}}
	if slices.Contains(keys, key) {
		if one, err = s.read(ctx, environment); err != nil {
			return err
		}
	}
	before, beforeErr := one.encode()
	one.Stacks = change(one.Stacks)
	after, afterErr := one.encode()
	if err := errors.Join(beforeErr, afterErr); err != nil || bytes.Equal(before, after) {
		return err
	}
	return s.Bucket.Put(ctx, key, after)
}

func (i inventory) encode() ([]byte, error) {
	slices.SortFunc(i.Stacks, func(a, b owned) int {
		return strings.Compare(a.Account+a.Region+a.Name, b.Account+b.Region+b.Name)
	})
	data, err := json.Marshal(i)
	if err != nil {
		return nil, fmt.Errorf("encoding what was deployed to %q: %w", i.environment, err)
	}
	return data, nil
}

// add gives the stacks with those of a deployment, which is the latest.
func add(deployed []owned) func([]owned) []owned {
	return func(stacks []owned) []owned {
		return append(without(deployed)(stacks), deployed...)
	}
}

// without takes stacks out.
func without(gone []owned) func([]owned) []owned {
	spots := map[spot]bool{}
	for _, o := range gone {
		spots[o.spot()] = true
	}
	return func(stacks []owned) []owned {
		return slices.DeleteFunc(slices.Clone(stacks), func(o owned) bool { return spots[o.spot()] })
	}
}
