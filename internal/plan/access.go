package plan

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Access is one way into an account, which a person approves: the roles of its CDK
// bootstraps, or one role of its own. Its deployments have an identity that can use
// this access and no other.
type Access struct {
	Account    string   // 12 digits
	RoleARN    string   // the role of the account's own; empty: the roles of the bootstraps
	Qualifiers []string // of the bootstraps, sorted; nil with RoleARN
	Commands   []string // ARNs of the roles of commands (commandRoleArn), sorted
}

// AccessOf returns the access that an environment of the configuration uses. All
// environments that use the bootstraps of one account, or one role, share it.
func AccessOf(cfg *config.Config, env config.Environment) Access {
	access := Access{Account: env.Account, RoleARN: env.RoleARN}
	for _, other := range cfg.Environments {
		if other.Account != env.Account || other.RoleARN != env.RoleARN {
			continue
		}
		if other.RoleARN == "" {
			access.Qualifiers = append(access.Qualifiers, other.Qualifiers()...)
		}
		if other.CommandRoleARN != "" {
			access.Commands = append(access.Commands, other.CommandRoleARN)
		}
	}
	slices.Sort(access.Qualifiers)
	slices.Sort(access.Commands)
	access.Qualifiers, access.Commands = slices.Compact(access.Qualifiers), slices.Compact(access.Commands)
	return access
}

// AccessesOf returns all accesses of the configuration, in the order of their first
// environments.
func AccessesOf(cfg *config.Config) []Access {
	var all []Access
	for _, env := range cfg.Environments {
		access := AccessOf(cfg, env)
		if !slices.ContainsFunc(all, access.sameWay) {
			all = append(all, access)
		}
	}
	return all
}

func (a Access) sameWay(other Access) bool {
	return a.Account == other.Account && a.RoleARN == other.RoleARN
}

// ID identifies the access among those of its pipeline: the account, and for a role of
// its own a digest.
func (a Access) ID() string {
	if a.RoleARN == "" {
		return a.Account
	}
	return a.Account + "-" + digest(a.RoleARN)
}

// String describes the access as text that [Access.Within] compares: the ARN of the role,
// or the account and the qualifiers of its bootstraps, then the roles of commands, as in
// 111111111111=hnb659fds,shop|arn:aws:iam::111111111111:role/tests.
func (a Access) String() string {
	way := a.RoleARN
	if way == "" {
		way = a.Account + "=" + strings.Join(a.Qualifiers, ",")
	}
	return strings.Join(append([]string{way}, a.Commands...), "|")
}

// Within reports whether an approved access, as String describes it, includes this one.
// Templates of earlier versions describe the bootstraps of an account by a region, as in
// 111111111111/eu-west-1, and roles of commands apart.
func (a Access) Within(approved string) bool {
	parts := strings.Split(approved, "|")
	way, commands := parts[0], parts[1:]
	if account, qualifiers, current := strings.Cut(way, "="); a.RoleARN == "" && current {
		return account == a.Account && includes(strings.Split(qualifiers, ","), a.Qualifiers) && includes(commands, a.Commands)
	}
	if a.RoleARN == "" {
		return strings.HasPrefix(way, a.Account+"/")
	}
	return way == a.RoleARN && includes(commands, a.Commands)
}

func includes(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}

// BuildSecrets returns the secrets of the build commands, each once and sorted.
func BuildSecrets(cfg *config.Config) []config.Secret { return unique(cfg.Build.Secrets) }

// SecretsOf returns the secrets of hooks and tests of the environments that use an access.
func SecretsOf(cfg *config.Config, access Access) []config.Secret {
	var all []map[string]config.Secret
	for _, env := range cfg.Environments {
		if !access.sameWay(Access{Account: env.Account, RoleARN: env.RoleARN}) {
			continue
		}
		all = append(all, env.Hooks.Secrets)
		if env.Tests != nil {
			all = append(all, env.Tests.Secrets)
		}
	}
	return unique(all...)
}

// NotificationSecrets returns the secrets of the targets of notifications, each once and
// sorted. That of a target at GitHub is the one that opens the repository.
func NotificationSecrets(cfg *config.Config) []config.Secret {
	named := map[string]config.Secret{}
	for _, n := range cfg.Notifications {
		for _, name := range n.Secrets() {
			named[name] = config.Secret{SecretsManager: name}
		}
		if n.GitHub != nil {
			named[cfg.RepositorySecret()] = config.Secret{SecretsManager: cfg.RepositorySecret()}
		}
	}
	return unique(named)
}

// NotificationTopics returns the ARNs of the topics of notifications, each once and sorted.
func NotificationTopics(cfg *config.Config) (topics []string) {
	for _, n := range cfg.Notifications {
		if n.SNS != nil {
			topics = append(topics, n.SNS.TopicARN)
		}
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// unique returns secrets in the order of their places, each once, without the keys in them.
func unique(all ...map[string]config.Secret) (secrets []config.Secret) {
	for _, some := range all {
		for _, secret := range some {
			secret.Key = ""
			secrets = append(secrets, secret)
		}
	}
	slices.SortFunc(secrets, func(a, b config.Secret) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(secrets)
}

// Waiting is an environment that a run does not deploy until a person approves.
type Waiting struct {
	Environment string
	Access      Access // of the environment
	For         string // the environment that it waits for, if its own access is approved
}

// Message says what the environment waits for.
func (w Waiting) Message() string {
	switch {
	case w.For != "":
		return "it waits for environment " + w.For + ", which no person has approved"
	case w.Access.RoleARN != "":
		return "no person has approved that the pipeline assumes " + w.Access.RoleARN + w.commands() + "; the run deploys what does not follow it"
	}
	return "no person has approved that the pipeline accesses account " + w.Access.Account + " by its CDK bootstrap (" + strings.Join(w.Access.Qualifiers, ", ") +
		")" + w.commands() + "; the run deploys what does not follow it"
}

func (w Waiting) commands() string {
	if w.Access.Commands == nil {
		return ""
	}
	return ", with the roles of commands " + strings.Join(w.Access.Commands, ", ")
}

// ApproveFix says what a person does to approve an environment that waits.
const ApproveFix = "with this commit checked out, and credentials that may create roles: generator bootstrap"

// Approved returns the configuration without the environments that wait for a person:
// those whose access is not approved, and those that follow them. The error says that
// all do.
func Approved(cfg *config.Config, approved func(Access) bool) (*config.Config, []Waiting, error) {
	var waiting []Waiting
	waits := map[string]bool{}
	kept := *cfg
	kept.Environments = nil
	for _, env := range sorted(cfg.Environments) {
		w := Waiting{Environment: env.Name, Access: AccessOf(cfg, env)}
		if approved(w.Access) {
			first := slices.IndexFunc(env.After, func(name string) bool { return waits[name] })
			if first < 0 {
				continue
			}
			w.For = env.After[first]
		}
		waits[env.Name] = true
		waiting = append(waiting, w)
	}
	for _, env := range cfg.Environments {
		if !waits[env.Name] {
			kept.Environments = append(kept.Environments, env)
		}
	}
	if len(kept.Environments) == 0 {
		return nil, waiting, errs.Invalidf("environment %s: %s", waiting[0].Environment, waiting[0].Message()).WithHint("%s", ApproveFix)
	}
	return &kept, waiting, nil
}
