package config

import (
	"maps"
	"slices"
	"time"
)

// Tests are the tests of an environment after its deployment.
type Tests struct {
	// Shell commands, run in order in the workspace. The stack outputs are in the
	// file that `STACK_OUTPUTS` names.
	Commands []string `json:"commands" need:"always" rule:"command" example:"[npm run integration-test]"`

	// Whether the run continues if the commands succeed but their JUnit reports
	// contain failed tests.
	AllowFailures bool `json:"allowFailures,omitempty" default:"false"`

	// Environment variables for the tests alone. They take precedence over those of the
	// environment's `env`. Do not put secrets here.
	Env map[string]string `json:"env,omitempty" keys:"variable" example:"{BROWSER: chromium}"`

	// Environment variables with values that are secrets, for the tests alone: each from
	// Secrets Manager or Parameter Store, in the account and region of the pipeline. The
	// pipeline reads them and masks them in all output. A person approves them with
	// `generator bootstrap`.
	Secrets map[string]Secret `json:"secrets,omitempty" keys:"variable" example:"{API_KEY: {ssm: /shop/api-key}}"`

	// How long the commands may take together. At its end the command that runs is stopped,
	// and the run fails.
	Timeout Timeout `json:"timeout,omitempty" derived:"1 hour for each command" rule:"timeout" example:"20m"`
}

// Hooks are commands before and after the deployment of an environment. Like the
// deployment, they run again if their pod is lost or a stage of it ends with a
// temporary failure: make them safe to repeat.
type Hooks struct {
	// Shell commands, run in order before the environment's first stack.
	PreDeploy []string `json:"preDeploy,omitempty" rule:"command" example:"[./scripts/check-quota.sh]"`

	// Shell commands, run in order after the environment's last stack.
	PostDeploy []string `json:"postDeploy,omitempty" rule:"command" example:"[./scripts/warm-up.sh]"`

	// Environment variables for the hooks alone. They take precedence over those of the
	// environment's `env`. Do not put secrets here.
	Env map[string]string `json:"env,omitempty" keys:"variable" example:"{QUOTA: \"20\"}"`

	// Environment variables with values that are secrets, for the hooks alone: each from
	// Secrets Manager or Parameter Store, in the account and region of the pipeline. The
	// pipeline reads them and masks them in all output. A person approves them with
	// `generator bootstrap`.
	Secrets map[string]Secret `json:"secrets,omitempty" keys:"variable" example:"{API_KEY: {ssm: /shop/api-key}}"`

	// How long the commands of each list may take together. At its end the command that runs
	// is stopped, and the run fails.
	Timeout Timeout `json:"timeout,omitempty" derived:"1 hour for each command" rule:"timeout" example:"5m"`
}

// Build is how the application is built.
type Build struct {
	// Shell commands, run in order in the workspace.
	Commands []string `json:"commands,omitempty" rule:"command" example:"[npm ci, npm run build]"`

	// Files and folders that the build creates, relative to the repository. `*`
	// matches any part of a name.
	Artifacts []string `json:"artifacts,omitempty" default:"artifacts" rule:"path" example:"[dist, \"reports/*.xml\"]"`

	// Folders that one build leaves for the next ones, such as the downloads of a package manager.
	Cache *Cache `json:"cache,omitempty"`

	// A role of your own for the build commands, which get no credentials for AWS without
	// it: to read packages of a private registry, say. It can be of any account. Its trust
	// policy must allow the role of the pipeline's build `sts:AssumeRole` and
	// `sts:TagSession`, because every session is tagged with `aphex:commit` and `aphex:run`.
	// It is another role than those that deploy. A person approves it with `generator bootstrap`.
	RoleARN string `json:"roleArn,omitempty" rule:"roleArn" example:"arn:aws:iam::111111111111:role/ShopBuild"`

	// What the container of the build commands requests and may use, in place of the same
	// keys of `pods.resources`.
	Resources Resources `json:"resources,omitzero" example:"{requests: {cpu: 4, memory: 8Gi}, limits: {memory: 16Gi}}"`

	// Environment variables for the build commands. Do not put secrets here: the file is in
	// the repository.
	Env map[string]string `json:"env,omitempty" section:"What build commands get" keys:"buildVariable" example:"{NODE_ENV: production}"`

	// Environment variables with values that are secrets, for the build commands alone: each from
	// Secrets Manager or Parameter Store, in the account and region of the pipeline. The
	// pipeline reads them and masks them in all output. A person approves them with
	// `generator bootstrap`.
	Secrets map[string]Secret `json:"secrets,omitempty" keys:"buildVariable" example:"{NPM_TOKEN: {secretsManager: shop/npm, key: token}}"`

	// How long the commands may take together. At its end the command that runs is stopped,
	// and the run fails.
	Timeout Timeout `json:"timeout,omitempty" derived:"1 hour for each command" rule:"timeout" example:"30m"`
}

// Cache are folders that a build restores before its commands, and saves after them. They
// are kept for each branch: a build of a branch other than `githubBranch` restores what
// builds of that one left, but saves nothing in a cluster, and a pull request neither restores
// nor saves anything. What was saved is used for at most 14 days.
type Cache struct {
	// Folders, of at most 2 GiB together: relative to the repository, or below the home of
	// the build commands with `~/` first. A folder that is there before the commands, such
	// as one of the repository, is left as it is and not saved.
	Paths []string `json:"paths" need:"always" rule:"cachePath" example:"[~/.npm]"`

	// Files, relative to the repository, whose content decides which cache fits. `*` matches
	// any part of a name. Folders that a build with the same content saved are restored;
	// if there are none, the newest ones are, and are saved again after the build.
	Key []string `json:"key" need:"always" rule:"path" example:"[package-lock.json]"`
}

// Secret is where the value of an environment variable is stored: in Secrets Manager or in
// Parameter Store.
type Secret struct {
	// The name of a secret in Secrets Manager, whose value is a text.
	SecretsManager string `json:"secretsManager,omitempty" rule:"secretName" example:"shop/npm"`

	// The key of the value, if the text of the secret is a JSON object. Without it the value
	// is the whole text.
	Key string `json:"key,omitempty" rule:"secretKey" example:"token"`

	// The name of a parameter in Parameter Store of AWS Systems Manager.
	SSM string `json:"ssm,omitempty" rule:"parameterName" example:"/shop/npm-token"`
}

// String names the secret as in a permission: secretsmanager:shop/npm or ssm:/shop/npm-token.
func (s Secret) String() string {
	if s.SSM != "" {
		return "ssm:" + s.SSM
	}
	return "secretsmanager:" + s.SecretsManager
}

// SecretNames returns the names of all variables whose values are secrets, each once.
func (c *Config) SecretNames() []string {
	all := map[string]Secret{}
	maps.Copy(all, c.Build.Secrets)
	for _, env := range c.Environments {
		maps.Copy(all, env.Hooks.Secrets)
		if env.Tests != nil {
			maps.Copy(all, env.Tests.Secrets)
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Timeout is a time limit as in the file, such as 1h30m; "" is none.
type Timeout string

// Duration returns the limit; 0 is none.
func (t Timeout) Duration() time.Duration {
	limit, _ := time.ParseDuration(string(t))
	return limit
}

// Checkout is what the build gets beside the files of the commit.
type Checkout struct {
	// Whether submodules are fetched, also those of submodules, from the host of the
	// repository and with its token. Without it their folders are empty.
	Submodules bool `json:"submodules,omitempty" default:"false"`

	// Further hosts that submodules may be fetched from, without a token.
	SubmoduleHosts []string `json:"submoduleHosts,omitempty" rule:"host" example:"[gitlab.com]"`

	// Whether files in Git LFS are fetched. Without it they are pointers.
	LFS bool `json:"lfs,omitempty" default:"false"`
}
