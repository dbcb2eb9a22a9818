package infra

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Limits of IAM (IAM User Guide, "IAM and AWS STS quotas").
const (
	maxPolicySize = 6144 // characters of a managed policy without white space
	maxPolicies   = 10   // managed policies of a role
)

// bootstrapped are the roles of the CDK bootstrap that a deployment assumes.
var bootstrapped = []bootstrap.Role{bootstrap.DeployRole, bootstrap.FilePublishingRole, bootstrap.ImagePublishingRole, bootstrap.LookupRole}

// assumePolicies renders the permission to assume the roles of the environments: each
// role by its ARN, in as many policies as IAM's limit requires.
func (r renderer) assumePolicies() ([]object, error) {
	var groups [][]string
	for _, role := range r.roles() {
		last := len(groups) - 1
		if last < 0 || size(assumeRoles(append(slices.Clone(groups[last]), role))) > maxPolicySize {
			groups = append(groups, []string{role})
			continue
		}
		groups[last] = append(groups[last], role)
	}
	if len(groups) > maxPolicies {
		return nil, errs.Invalidf("the environments have %d roles to assume, more than the %d policies of one role can hold", len(r.roles()), maxPolicies).
			WithHint("move some of the environments to another pipeline")
	}
	policies := make([]object, 0, len(groups))
	for i, roles := range groups {
		policies = append(policies, object{
			"Type": "AWS::IAM::ManagedPolicy",
			"Properties": object{
				"ManagedPolicyName": fmt.Sprintf("%s-enter-%d", r.names.Stack, i+1),
				"Description":       "Accounts that pipeline " + r.names.Pipeline + " may enter",
				"PolicyDocument":    assumeRoles(roles),
			},
		})
	}
	return policies, nil
}

func assumeRoles(roles []string) object {
	return document(allow("Enter", actions("sts:AssumeRole", "sts:TagSession"), roles...))
}

// size counts the characters of a policy as IAM does.
func size(policy object) int {
	text, _ := json.Marshal(policy) // strings always encode
	return len(text)
}

// roles returns the ARNs of all roles that a deployment may assume, each once:
// an environment's own role, or the bootstrap roles of its account and region, and the role
// of its commands.
func (r renderer) roles() []string {
	var roles []string
	add := func(role string) {
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	for _, env := range r.cfg.Environments {
		if env.CommandRoleARN != "" {
			add(env.CommandRoleARN)
		}
		if env.RoleARN != "" {
			add(env.RoleARN)
			continue
		}
		for _, role := range bootstrapRoles(env.Account, env.AllRegions(), env.Qualifiers()) {
			add(role)
		}
	}
	if r.cfg.PipelineStack != nil {
		regions := config.ReachedRegions(r.place.Region, nil)
		for _, role := range bootstrapRoles(r.place.Account, regions, []string{bootstrap.DefaultQualifier}) {
			add(role)
		}
	}
	return roles
}

// bootstrapRoles returns the roles of the bootstraps with these qualifiers in the regions.
func bootstrapRoles(account string, regions, qualifiers []string) []string {
	var roles []string
	for _, qualifier := range qualifiers {
		for _, region := range regions {
			for _, role := range bootstrapped {
				roles = append(roles, bootstrap.RoleARN(config.Partition(region), account, region, qualifier, role))
			}
		}
	}
	return roles
}
