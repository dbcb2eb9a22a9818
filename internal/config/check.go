package config

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/internal/awsauth/bootstrap"
)

// check reports problems that involve several values.
func check(c *Config, r *report) {
	checkTwice(r, "stack", "stacks[%d]", namesOf(c.Stacks))
	checkTwice(r, "environment", "environments[%d]", c.EnvironmentNames())
	declared := namesOf(c.Stacks)
	known := setOf(declared)
	for i, stack := range c.Stacks {
		checkNeeds(r, fmt.Sprintf("stacks[%d]", i), stack, known, declared)
	}
	cyclic := checkStackCycles(r, c.Stacks, "stacks[%d].dependsOn")
	for i := range c.Environments {
		checkEnvironment(c, r, i, cyclic)
	}
	checkAfter(c, r)
	checkPods(c, r)
	checkTriggers(c, r)
	checkCommandRole(c, r, "build.roleArn", "build.roleArn", c.Build.RoleARN, "build commands")
	checkSecrets(c, r, "build", c.Build.Secrets, c.Build.Env)
	checkCache(c, r)
	checkTwice(r, "key", "kmsKeyArns[%d]", c.KMSKeyARNs)
	checkNotifications(c, r)
	checkSigning(c, r)
	checkGithubApp(c, r)
	if c.WebhookCertificateARN != "" && c.WebhookService != LoadBalancer {
		r.atPath("webhookCertificateArn", "webhookCertificateArn is for a load balancer, but webhookService is %s", c.WebhookService).
			Hint = "remove it, or set webhookService: LoadBalancer"
	}
	if c.PipelineStack == nil {
		return
	}
	if len(c.PipelineStack.DependsOn) > 0 {
		r.atPath("pipelineStack.dependsOn", "the pipeline's own stack is deployed alone: expected no dependsOn")
	}
	if name := c.PipelineStack.Name; name != "" && !stackName.MatchString(name) {
		r.atPath("pipelineStack.name", "the pipeline may update a stack of this name and no other: expected the stack's own name, not the path or pattern %s", quote(name))
	}
}

// checkCache refuses folders of the cache inside each other: one would be restored into the
// other.
func checkCache(c *Config, r *report) {
	if c.Build.Cache == nil {
		return
	}
	for i, folder := range c.Build.Cache.Paths {
		for _, other := range c.Build.Cache.Paths[:i] {
			if one, two := path.Clean(folder)+"/", path.Clean(other)+"/"; strings.HasPrefix(one, two) || strings.HasPrefix(two, one) {
				r.atPath(fmt.Sprintf("build.cache.paths[%d]", i), "%s and %s are the same folder, or one is inside the other", quote(folder), quote(other)).
					Hint = "keep the outer one"
			}
		}
	}
}

// stackName is the grammar of names of CloudFormation (API reference, CreateStack).
var stackName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

func checkEnvironment(c *Config, r *report, i int, cyclic bool) {
	env, path := c.Environments[i], fmt.Sprintf("environments[%d]", i)
	checkTwice(r, "stack", path+".stacks[%d]", env.StackNames())
	if inlineCyclic := checkInline(c, r, env, path); !inlineCyclic && !cyclic {
		checkOrder(r, env, path)
	}
	checkRoles(c, r, env, path)
	checkRegions(r, env, path)
	checkAlarms(r, env, path)
	checkTimes(r, env, path)
	checkPlanGates(r, env, path)
	checkSecrets(c, r, path+".hooks", env.Hooks.Secrets, env.Hooks.Env)
	if env.Tests != nil {
		checkSecrets(c, r, path+".tests", env.Tests.Secrets, env.Tests.Env)
	}
}

// checkSecrets requires exactly one place of each secret, and refuses the token of the
// repository, which commands never get.
func checkSecrets(c *Config, r *report, path string, secrets map[string]Secret, env map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		secret, at := secrets[name], path+".secrets."+name
		switch {
		case r.reportedIn(at):
		case (secret.SecretsManager == "") == (secret.SSM == ""):
			r.atPath(at, "%s is in no place or in two: expected either secretsManager or ssm", name).
				Hint = "for example {secretsManager: shop/npm, key: token}, or {ssm: /shop/npm-token}"
		case secret.SSM != "" && secret.Key != "":
			r.atPath(at+".key", "key is for a secret in Secrets Manager: expected only ssm").Hint = "remove it"
		case secret.SecretsManager != "" && secret.SecretsManager == c.RepositorySecret():
			r.atPath(at+".secretsManager", "secretsManager is the secret that opens the repository, which commands of the repository never get").
				Hint = "create a secret and a token of their own for the commands"
		}
		if _, twice := env[name]; twice {
			r.atPath(at, "%s is a secret here and a variable in %s: expected one of them", name, lastOf(path)+".env").Hint = "rename or remove one"
		}
	}
}

// checkRegions refuses further regions that the environment's account cannot be in.
func checkRegions(r *report, env Environment, path string) {
	checkTwice(r, "region", path+".regions[%d]", env.Regions)
	checkTwice(r, "qualifier", path+".bootstrapQualifiers[%d]", env.BootstrapQualifiers)
	for i, region := range env.Regions {
		if holds("region", region) && holds("region", env.Region) && Partition(region) != env.Partition() {
			r.atPath(fmt.Sprintf("%s.regions[%d]", path, i), "the region %s is of the partition %s: expected %s, to which %s belongs",
				quote(region), Partition(region), env.Partition(), quote(env.Region))
		}
	}
}

// checkInline checks the inline stacks of the environment, which may depend on each
// other and on those of the top level. It reports whether they form a cycle.
func checkInline(c *Config, r *report, env Environment, path string) (cyclic bool) {
	var inline []int
	for j, stack := range env.Stacks {
		if stack.DependsOn != nil && !r.isText(fmt.Sprintf("%s.stacks[%d]", path, j)) {
			inline = append(inline, j)
		}
	}
	if inline == nil {
		return false
	}
	names := slices.Concat(namesOf(c.Stacks), env.StackNames())
	known := setOf(names)
	for _, j := range inline {
		checkNeeds(r, fmt.Sprintf("%s.stacks[%d]", path, j), env.Stacks[j], known, names)
	}
	return checkStackCycles(r, env.Stacks, path+".stacks[%d].dependsOn")
}

// checkNeeds reports unknown and duplicate dependencies.
func checkNeeds(r *report, path string, stack Stack, known map[string]bool, names []string) {
	checkTwice(r, "stack", path+".dependsOn[%d]", stack.DependsOn)
	for i, name := range stack.DependsOn {
		if !known[name] && holds("stackName", name) {
			r.atPath(fmt.Sprintf("%s.dependsOn[%d]", path, i), "unknown stack %s: expected the name of another stack", quote(name)).
				Hint = r.suggest(name, names)
		}
	}
}

// checkOrder rejects a listed order that contradicts the dependencies, if stacks
// are deployed in the listed order.
func checkOrder(r *report, env Environment, path string) {
	if env.Concurrency > 1 {
		return
	}
	done, all := map[string]bool{}, setOf(env.StackNames())
	for j, stack := range env.Stacks {
		for _, need := range stack.DependsOn {
			if all[need] && !done[need] && need != stack.Name {
				r.atPath(fmt.Sprintf("%s.stacks[%d]", path, j), "%s is listed before %s, on which it depends", stack.Name, need).
					Hint = "list it later, or let `concurrency` of 2 and more follow the dependencies"
			}
		}
		done[stack.Name] = true
	}
}

// checkRoles compares the account and the partition of an environment's own roles with its own.
func checkRoles(c *Config, r *report, env Environment, path string) {
	if env.ExternalID != "" && env.RoleARN == "" && env.CommandRoleARN == "" {
		r.atPath(path+".externalId", "externalId is given without a roleArn or commandRoleArn: expected one of them").
			Hint = "the CDK bootstrap roles require no external id"
	}
	checkRole(r, env, path, "roleArn", env.RoleARN)
	checkRole(r, env, path, "commandRoleArn", env.CommandRoleARN)
	checkCommandRole(c, r, path+".commandRoleArn", "commandRoleArn", env.CommandRoleARN, "hooks and tests")
}

// checkCommandRole refuses for commands of the repository a role that deploys.
func checkCommandRole(c *Config, r *report, at, key, given, commands string) {
	role, err := arn.Parse(given)
	if err != nil {
		return
	}
	hint := commands + " need a role of their own, with the permissions that they need"
	if _, is := bootstrap.Of(roleName(role)); is {
		r.atPath(at, "%s is a role of the CDK bootstrap, of which commands of the repository get none", key).Hint = hint
	}
	for _, other := range c.Environments {
		if other.RoleARN == given {
			r.atPath(at, "%s is the roleArn of environment %s: with it, commands of the repository could deploy", key, quote(other.Name)).Hint = hint
			return
		}
	}
}

// roleName returns the name of a role without its path.
func roleName(role arn.ARN) string {
	return role.Resource[strings.LastIndexByte(role.Resource, '/')+1:]
}

func checkRole(r *report, env Environment, path, key, value string) {
	role, err := arn.Parse(value)
	if err != nil {
		return // the rule of the key reports it
	}
	if role.AccountID != env.Account && holds("account", env.Account) {
		r.atPath(path+"."+key, "%s is of the account %s: expected the environment's account %s", key, quote(role.AccountID), env.Account)
	}
	if role.Partition != env.Partition() && holds("region", env.Region) {
		r.atPath(path+"."+key, "%s is of the partition %s: expected %s, to which %s belongs", key, quote(role.Partition), env.Partition(), quote(env.Region))
	}
}

// checkTwice reports duplicate names in a list. The format is the path of an entry,
// given its index.
func checkTwice(r *report, kind, format string, names []string) {
	first := make(map[string]int, len(names))
	for i, name := range names {
		earlier, found := first[name]
		switch {
		case name == "":
		case found:
			r.atPath(nameAt(r, format, i), "the %s %s is listed twice: first in %s", kind, quote(name), r.lineOf(nameAt(r, format, earlier)))
		default:
			first[name] = i
		}
	}
}

// nameAt returns the path of an entry's name, or of the entry itself if it is plain text.
func nameAt(r *report, format string, i int) string {
	path := fmt.Sprintf(format, i)
	if _, found := r.nodes[path+".name"]; found {
		return path + ".name"
	}
	return path
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// holds reports whether a text satisfies a rule. An invalid value is not compared
// with others as well.
func holds(rule, text string) bool {
	broken, _ := rules()[rule].broken(text)
	return !broken
}
