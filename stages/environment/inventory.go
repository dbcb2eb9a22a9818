package environment

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

	"github.com/aphex/aphex-pipeline/internal/account"
	"github.com/aphex/aphex-pipeline/internal/schedule"
)

// inventories is the folder of the artifact bucket that never expires.
const inventories = "metadata/stacks/"

// InventoryKey is where the artifact bucket keeps which stacks runs have deployed
// to an environment. The deployment of the environment alone adds to it, so that
// environments that are deployed at once do not lose each other's.
func InventoryKey(environment string) string { return inventories + environment + ".json" }

// inventoryLimit bounds the reading and the writing of inventories.
const inventoryLimit = 10 * time.Second

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
func (j *job) ownedOf(results []Result) (stacks []owned) {
	env := j.Environment
	in := entrance{Account: env.Account, At: env.Region, RoleARN: env.RoleARN, ExternalID: env.ExternalID}
	for _, r := range results {
		at := slices.IndexFunc(j.all, func(t target) bool { return t.name == r.Stack })
		if at < 0 || r.State == schedule.Skipped {
			continue
		}
		t := j.all[at]
		role := j.here(t.region).Role(t.stack.DeployRole)
		stacks = append(stacks, owned{
			Stack: t.stack.Path, Name: t.stack.Name, Region: t.region, entrance: in, DeployRole: role.ARN, DeployExternal: role.ExternalID,
		})
	}
	return stacks
}

// role is what the stack was deployed by.
func (o owned) role() account.Role {
	return account.Role{ARN: o.DeployRole, ExternalID: o.DeployExternal}
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
		return role == "" || strings.HasPrefix(role, "arn:") && strings.Contains(role, ":iam::"+o.Account+":role/")
	}
	return stackForm.MatchString(o.Name) && pathForm.MatchString(o.Stack) && accountForm.MatchString(o.Account) &&
		regionForm.MatchString(o.Region) && regionForm.MatchString(o.At) && ofAccount(o.RoleARN) && ofAccount(o.DeployRole)
}

// keepsInventory says whether there is a place to keep inventories in.
func (d Deps) keepsInventory(bucket string) bool {
	return bucket != "" && d.List != nil && d.Get != nil && d.Put != nil
}

// readInventories reads the inventories of all environments, those included that
// the configuration does not have any more.
func (d Deps) readInventories(ctx context.Context, bucket string) ([]inventory, error) {
	keys, err := d.List(ctx, bucket, inventories)
	if err != nil {
		return nil, err
	}
	var all []inventory
	for _, key := range keys {
		name, isJSON := strings.CutSuffix(strings.TrimPrefix(key, inventories), ".json")
		if !isJSON || !environmentForm.MatchString(name) {
			continue
		}
		one, err := d.readInventory(ctx, bucket, name)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (d Deps) readInventory(ctx context.Context, bucket, environment string) (inventory, error) {
	one, key := inventory{environment: environment}, InventoryKey(environment)
	data, err := d.Get(ctx, bucket, key)
	if err != nil {
		return one, err
	}
	if err := json.Unmarshal(data, &one); err != nil {
		return one, fmt.Errorf("reading %q: %w", key, err)
	}
	one.Stacks = slices.DeleteFunc(one.Stacks, func(o owned) bool { return !o.sound() })
	return one, nil
}

// changeInventory reads an inventory, changes it and stores it, where that makes
// a difference. What cannot be read is not overwritten.
func (d Deps) changeInventory(ctx context.Context, bucket, environment string, change func([]owned) []owned) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inventoryLimit)
	defer cancel()
	key := InventoryKey(environment)
	keys, err := d.List(ctx, bucket, key)
	if err != nil {
		return err
	}
	one := inventory{environment: environment, Stacks: []owned{}}
	if slices.Contains(keys, key) {
		if one, err = d.readInventory(ctx, bucket, environment); err != nil {
			return err
		}
	}
	before, beforeErr := one.encode()
	one.Stacks = change(one.Stacks)
	after, afterErr := one.encode()
	if err := errors.Join(beforeErr, afterErr); err != nil || bytes.Equal(before, after) {
		return err
	}
	return d.Put(ctx, bucket, key, after)
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
