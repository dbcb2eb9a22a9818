package infra

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// maxPolicySize is how many characters a managed policy may have without white space
// (IAM User Guide, "IAM and AWS STS quotas").
const maxPolicySize = 6144

// maxPolicies is how many managed policies a role may have (the same).
const maxPolicies = 10

// lookers are the roles of those who look into accounts, by their logical ids.
var lookers = [2]string{"ValidatorRole", "PipelineRole"}

// bootstrapped are the roles of the CDK bootstrap that a deployment assumes.
var bootstrapped = []bootstrap.Role{bootstrap.DeployRole, bootstrap.FilePublishingRole, bootstrap.ImagePublishingRole, bootstrap.LookupRole}

// enters renders the permission to use an access: the role of the account's own, or the
// roles of its bootstraps, and the roles of its commands.
func (r renderer) enters(access plan.Access) object {
	return assumeRoles(append(r.rolesOf(access, bootstrapped...), access.Commands...)...)
}

func assumeRoles(roles ...string) object {
	return allow("Enter", actions("sts:AssumeRole", "sts:TagSession"), roles...)
}

// rolesOf returns the roles that an access consists of. Those of a bootstrap are in any
// region of the account: a person approves the account and the qualifiers of its
// bootstraps, and the configuration of the commit the regions.
func (r renderer) rolesOf(access plan.Access, of ...bootstrap.Role) []string {
	if access.RoleARN != "" {
		return []string{access.RoleARN}
	}
	var roles []string
	for _, qualifier := range access.Qualifiers {
		for _, role := range of {
			roles = append(roles, bootstrap.RoleARN(r.place.Partition(), access.Account, "*", qualifier, role))
		}
	}
	return roles
}

// lookups renders the policies of those who look into accounts and change nothing: the
// lookup roles of the bootstraps. A role of an account's own is for its deployments
// alone, as no policy can narrow it for others. There are none without bootstraps, and
// several where one policy is too small for all of them. These sessions have no tags, unlike
// those that an app may tag for its deployment.
func (r renderer) lookups() (policies []object, err error) {
	var roles []string
	for _, access := range plan.AccessesOf(r.cfg) {
		if access.RoleARN == "" {
			roles = append(roles, r.rolesOf(access, bootstrap.LookupRole)...)
		}
	}
	all := len(roles)
	for len(roles) > 0 {
		fit := sort.Search(len(roles), func(n int) bool { return size(looksInto(roles[:n+1])) > maxPolicySize })
		name, more := r.names.Stack+"-lookups", ""
		if n := len(policies); n > 0 {
			name, more = fmt.Sprintf("%s-%d", name, n+1), fmt.Sprintf(" (%d)", n+1)
		}
		policies = append(policies, r.managedPolicy(name, "What pipeline "+r.names.Pipeline+" may look into"+more, looksInto(roles[:fit])))
		roles = roles[fit:]
	}
	if len(policies) > maxPolicies {
		return nil, errs.Invalidf("the environments have %d bootstraps to look into, for which a role needs %d policies; the limit of IAM is %d", all, len(policies), maxPolicies).
			WithHint("move some of the environments to another pipeline")
	}
	return policies, nil
}

func looksInto(roles []string) object {
	return document(allow("Enter", actions("sts:AssumeRole"), roles...))
}

// size returns how many characters a policy has.
func size(policy object) int {
	text, _ := json.Marshal(policy) // strings always encode
	return len(text)
}

// buildCommands renders the permission of the build to assume the role of its commands. It
// is a resource of its own, so that a commit that needs it no more changes no other.
func (r renderer) buildCommands(role string) object {
	return inlinePolicy("commands", "BuilderRole", []any{assumeRoles(role)})
}

// readsSecrets renders the permission of a role to read the secrets of its commands, or nil. It
// is a resource of its own, as that of the role of build commands is.
func (r renderer) readsSecrets(role string, secrets []config.Secret) object {
	if len(secrets) == 0 {
		return nil
	}
	return inlinePolicy("secrets", role, r.reading(secrets))
}

// inlinePolicy renders permissions of a role as a resource of their own; nil are none.
func inlinePolicy(name, role string, statements []any) object {
	if len(statements) == 0 {
		return nil
	}
	return object{
		"Type":       "AWS::IAM::Policy",
		"Properties": object{"PolicyName": name, "Roles": []any{ref(role)}, "PolicyDocument": document(statements...)},
	}
}

// Sids of the statements that reading renders. What a commit no longer needs of their
// resources does not change them: see Follow.
const (
	sidSecrets           = "ReadSecrets"
	sidParameters        = "ReadParameters"
	sidTopics            = "PublishToTopics"
	sidDecryptToken      = "DecryptToken"
	sidDecryptSecrets    = "DecryptSecrets"
	sidDecryptParameters = "DecryptParameters"
)

// reading renders the permission to read exactly these secrets.
func (r renderer) reading(secrets []config.Secret) (statements []any) {
	var named, parameters []string
	for _, secret := range secrets {
		if secret.SSM != "" {
			parameters = append(parameters, r.arn("ssm", "parameter/"+strings.TrimPrefix(secret.SSM, "/")))
			continue
		}
		named = append(named, r.secretARN(secret.SecretsManager))
	}
	if named != nil {
		statements = append(statements, allow(sidSecrets, actions("secretsmanager:GetSecretValue"), named...))
		statements = append(statements, r.decrypts(sidDecryptSecrets, "secretsmanager")...)
	}
	if parameters != nil {
		statements = append(statements, allow(sidParameters, actions("ssm:GetParameter"), parameters...))
		statements = append(statements, r.decrypts(sidDecryptParameters, "ssm")...)
	}
	return statements
}

// decrypts renders the permission to use the keys that a person named, in what a service of
// AWS reads for the caller: KMS itself decrypts nothing for it. Without such keys it is nil.
func (r renderer) decrypts(sid, service string) []any {
	if len(r.cfg.KMSKeyARNs) == 0 {
		return nil
	}
	via := service + "." + r.place.Region + ".amazonaws.com"
	if r.place.Partition() == "aws-cn" {
		via += ".cn"
	}
	return []any{when(allow(sid, actions("kms:Decrypt"), r.cfg.KMSKeyARNs...), "StringEquals", "kms:ViaService", via)}
}

// allSecrets returns the secrets of all commands and of notifications.
func (r renderer) allSecrets() []config.Secret {
	all := append(plan.BuildSecrets(r.cfg), plan.NotificationSecrets(r.cfg)...)
	for _, access := range plan.AccessesOf(r.cfg) {
		all = append(all, plan.SecretsOf(r.cfg, access)...)
	}
	slices.SortFunc(all, func(a, b config.Secret) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(all)
}

func (r renderer) managedPolicy(name, description string, policy object) object {
	return object{
		"Type":       "AWS::IAM::ManagedPolicy",
		"Properties": object{"ManagedPolicyName": name, "Description": description, "PolicyDocument": policy},
	}
}
