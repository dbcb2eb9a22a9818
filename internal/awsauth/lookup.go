package awsauth

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// lookupActions are the calls of a lookup session: those that the context providers of
// the CDK CLI make, and those that Cloud Control makes for the types that aws-cdk-lib
// looks up through it. None of them reads objects, items, messages, images or secrets.
var lookupActions = []string{
	"cloudformation:GetResource", "cloudformation:ListResources", // Cloud Control
	"ec2:DescribeAvailabilityZones",
	"ec2:DescribeImages",
	"ec2:DescribeManagedPrefixLists", "ec2:GetManagedPrefixListEntries", // PrefixList.fromLookup
	"ec2:DescribeRouteTables", "ec2:DescribeSubnets", "ec2:DescribeVpcs", "ec2:DescribeVpnGateways",
	"ec2:DescribeSecurityGroups",
	"ec2:DescribeVpcEndpointServices",
	"ecr:DescribeRepositories", "ecr:GetLifecyclePolicy", "ecr:GetRepositoryPolicy", "ecr:ListTagsForResource", // Repository.fromLookup
	"elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTags",
	"iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", // Role.fromLookup
	"kms:ListAliases",
	"rds:DescribeDBClusters", "rds:DescribeDBInstances", // DatabaseCluster.fromLookup, DatabaseInstance.fromLookup
	"route53:GetHostedZone", "route53:ListHostedZonesByName",
	"ssm:GetParameter",
}

// lookupPolicy is the session policy of a lookup session. It denies everything else, as a
// denial also holds against the policies of buckets, keys and roles that name the role.
// A session policy without any Allow would allow nothing.
var lookupPolicy = sync.OnceValue(func() string {
	policy, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"},
		map[string]any{"Effect": "Deny", "NotAction": lookupActions, "Resource": "*"},
	}})
	return string(policy) // texts always encode
})

// ServeLookups serves the credentials that CDK apps and builds of assets get: a lookup
// session. That is the bootstrap role for lookups, narrowed to what the CDK's context
// providers read; where that role cannot be assumed it is RoleARN, narrowed in the same
// way, or no credentials at all, which is logged.
func (e *Access) ServeLookups(ctx context.Context, hide func(secret string)) (*CredentialServer, error) {
	session, err := e.narrowed(ctx, e.origin, e.lookupRole())
	if isRefusal(err) && e.RoleARN != "" {
		session, err = e.narrowed(ctx, e.current, e.ownRole(e.RoleARN))
	}
	if err != nil && !isRefusal(err) {
		return nil, err
	}
	if err != nil {
		e.log.Warn("commands get no AWS credentials, as there is no role for lookups; CDK apps can look nothing up, hooks and tests need a commandRoleArn",
			"environment", e.Environment, "reason", err.Error(), "hint", errs.HintOf(err))
	}
	return serveCredentials(session, e.Region, err, hide)
}

// ServeCommands serves the credentials that hooks and tests get: those of CommandRoleARN,
// or else those of ServeLookups.
func (e *Access) ServeCommands(ctx context.Context, hide func(secret string)) (*CredentialServer, error) {
	if e.commands != nil {
		return serveCredentials(e.commands, e.Region, nil, hide)
	}
	return e.ServeLookups(ctx, hide)
}

// ServeBuild serves the credentials that build commands get: those of a role of the user's
// own, of any account, assumed from the credentials of base for a commit and a run.
func ServeBuild(ctx context.Context, base aws.Config, role, commit, run string, hide func(secret string)) (*CredentialServer, error) {
	here, err := Identify(ctx, base)
	if err != nil {
		return nil, err
	}
	to := Target{Account: accountOf(role), Region: base.Region, CommandRoleARN: role, Environment: "build", Run: run}
	if err := to.checkRoles(); err != nil {
		return nil, err
	}
	// Without the tag of an environment: whoever trusts one of that name does not mean builds.
	own := Role{ARN: role, Tags: boundTags(map[string]string{"aphex:commit": commit, "aphex:run": to.run()})}
	session, err := (&Access{Target: to, current: here}).assumeConfirmed(ctx, own)
	if err != nil {
		return nil, err
	}
	return serveCredentials(session, base.Region, nil, hide)
}

// refused says that a role cannot be assumed, however often one tries.
type refused struct{ error }

func (r *refused) Unwrap() error { return r.error }

func isRefusal(err error) bool { return errors.As(err, new(*refused)) }

// narrowed assumes a role with the policy of lookups, once.
func (e *Access) narrowed(ctx context.Context, from *Session, role Role) (*Session, error) {
	role.Policy = lookupPolicy()
	session, err := e.sessions.get(ctx, "narrowed "+roleKey(role), func() (*Session, error) {
		return assume(ctx, from, role, e.Region, e.sessionName())
	})
	if err == nil {
		return session, nil
	}
	explained := explainAssume(ctx, err, from, role)
	if explained.Kind == errs.Invalid && !isExpired(err) {
		return nil, &refused{explained}
	}
	return nil, explained
}
