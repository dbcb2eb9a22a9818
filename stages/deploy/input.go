package deploy

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Help describes the stage on the command line.
const Help = `Deploy a commit to one environment.

Assumes a role in the environment's account, runs the hooks, synthesizes the CDK apps,
publishes their assets and deploys the environment's stacks through change sets,
reporting progress live. An unchanged stack takes two API calls. When a stack fails,
no further stack starts, running ones finish, and the outputs of deployed stacks
are kept.

A stack in the configuration names the stack of the app with that name, construct
path or id in the environment's account. A stack whose name or path begins with the
environment's name takes precedence: DatabaseStack in dev also matches
dev-DatabaseStack and Dev/DatabaseStack. Of several, the one in the environment's
region is used. A pattern in the configuration, such as Dev/*, selects all matching
stacks; each is then known by its name in CloudFormation. --stacks deploys only the
given stacks of the environment and their dependencies.

The environment of the app and the hooks has ENVIRONMENT_NAME, COMMIT_SHA, BRANCH,
CDK_DEFAULT_ACCOUNT, CDK_DEFAULT_REGION, the variables of env in the configuration, and
credentials that refresh automatically. --parameters, --context and --notification-arns
take the same values as in the CDK CLI and override the configuration.

--plan prints what a deployment would do: for each stack the resources added, modified,
replaced and removed, broader permissions, the roles, the order, and the assets to
publish. It executes nothing and leaves nothing behind: change sets are deleted once
read, together with what they required (an empty stack for one that does not exist yet;
a published template that is too large to send inline or belongs to a nested stack).
With --plan-file all of that is kept. A later deployment of the same content executes
the kept change sets that are still valid; --execute-plan executes those and nothing
else.

A stack whose deployment fails is rolled back. With --no-rollback, or onFailure: stop
in the configuration, it is left in CREATE_FAILED or UPDATE_FAILED. The next deployment
with --no-rollback continues from there, one with --rollback rolls back first, and one
with neither fails and names both options (the CDK CLI prompts). Resources are replaced
only with rollback. See also: deployer rollback.

Examples, on a plain folder:

  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --outputs-file outputs.json
  deployer environment --artifact-dir ./built --environment dev --commit $(git rev-parse HEAD)
  deployer environment --source . --assembly cdk.out --environment dev --commit $(git rev-parse HEAD)
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --stacks 'Api,Dev/*'
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --plan-file plan.json
  deployer environment --source . --environment dev --commit $(git rev-parse HEAD) --execute-plan plan.json
`

// Input is the input of the stage.
type Input struct {
	Environment string `help:"Name of the environment to deploy to." required:""`
	bucket.Workspace
	Branch              string        `help:"Branch of the commit."`
	Purpose             string        `help:"What a person wants of the run; none of a push. A rollback takes back the commit that the environment has." enum:",rollback,redeploy,promote,retry,start" default:""`
	Config              string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	ConfigDigest        string        `help:"SHA-256 digest of the configuration file, as printed by the validator: another file is refused. Without it, the file of the workspace is used; a run always passes it." nonempty:"" placeholder:"sha256:<hex>"`
	Assembly            string        `help:"Folder with a cloud assembly to deploy instead of synthesizing." type:"path" placeholder:"DIR"`
	OutputsFile         string        `help:"Write the stack outputs to this file in the format of the CDK CLI, by CloudFormation stack name." type:"path" placeholder:"FILE"`
	NamedOutputsFile    string        `help:"Write the stack outputs to this file by stack name in the configuration, the format of STACK_OUTPUTS." type:"path" placeholder:"FILE"`
	DetailedOutputsFile string        `help:"Write the stack outputs to this file by stack name in the configuration, with descriptions and export names; for tester --outputs-file." type:"path" placeholder:"FILE"`
	Stacks              []string      `help:"Deploy only these stacks of the environment and their dependencies: names, construct paths or patterns." sep:"none" placeholder:"NAME,…"`
	Exclusively         bool          `help:"With --stacks: do not deploy their dependencies."`
	Parameters          []string      `help:"Template parameter, overriding the configuration: [STACK:]KEY=VALUE. Repeatable." sep:"none" placeholder:"[STACK:]KEY=VALUE"`
	Context             []string      `short:"c" help:"Context for the synthesis, overriding the configuration: KEY=VALUE. Repeatable." sep:"none" placeholder:"KEY=VALUE"`
	NotificationARNs    []string      `name:"notification-arns" help:"SNS topics to notify of stack events, in addition to those of the stacks and the configuration." placeholder:"ARN,…"`
	ImportExisting      bool          `name:"import-existing-resources" help:"Let stacks adopt resources that exist already with the names that the app gives them, like importExistingResources: true in the configuration."`
	Plan                bool          `help:"Print what a deployment would do, stack by stack; execute nothing and leave nothing behind."`
	PlanFile            string        `help:"Write the plan to this file as JSON, for --execute-plan; implies --plan and keeps the change sets." type:"path" placeholder:"FILE"`
	ExecutePlan         string        `help:"Execute the change sets of this plan and nothing else." type:"path" placeholder:"FILE"`
	Concurrency         int           `help:"Number of stacks to deploy in parallel, overriding the configuration." default:"0"`
	Force               bool          `help:"Create a change set even for a stack that seems unchanged."`
	Rollback            *bool         `help:"Roll back a stack whose deployment fails, and first one whose earlier deployment was interrupted; --no-rollback leaves a failed stack as it is. Overrides onFailure in the configuration." negatable:""`
	Lookups             bool          `help:"Let the CDK CLI look up context missing from cdk.context.json, like lookups: true in the configuration."`
	Advice              bool          `help:"Show the findings of the CDK's own rules even if the app does not enforce them."`
	Limit               time.Duration `help:"Time limit for each command without a timeout in the configuration." default:"1h"`
	ClockOffset         time.Duration `help:"Add this to the time that windows and freezes are compared with, to try them." default:"0s"`
	assets.BuilderAddress
	attest.Proving
}

// Validate requires exactly one workspace.
func (in Input) Validate() error {
	if err := in.Workspace.Validate(); err != nil {
		return err
	}
	if err := in.BuilderAddress.Validate(); err != nil {
		return err
	}
	if err := in.Proving.Validate(); err != nil {
		return err
	}
	if in.RequireProvenance && in.Artifact == "" {
		return errs.Invalidf("--require-provenance requires --artifact: nothing else has provenance")
	}
	if in.Concurrency < 0 {
		return errs.Invalidf("--concurrency is %d, but must be positive", in.Concurrency)
	}
	if in.ExecutePlan != "" && (in.plans() || len(in.Stacks) > 0 || in.Force) {
		return errs.Invalidf("--execute-plan cannot be combined with --plan, --plan-file, --stacks or --force").
			WithHint("the plan defines which stacks are deployed, and how")
	}
	_, parametersErr := deploy.ParseParameters(in.Parameters)
	_, contextErr := deploy.ParseContext(in.Context)
	if err := cmp.Or(parametersErr, contextErr, in.checkFiles()); err != nil {
		return err
	}
	if len(in.Stacks) > 0 && len(deploy.SplitNames(in.Stacks)) == 0 {
		return errs.Invalidf("--stacks names no stack").
			WithHint("is a shell variable empty? Without --stacks, all stacks of the environment are deployed")
	}
	if in.Exclusively && len(in.Stacks) == 0 {
		return errs.Invalidf("--exclusively requires --stacks")
	}
	return checkout.CheckCommit(in.Commit)
}

// written returns the files that the stage writes.
func (in Input) written() []stage.File {
	return []stage.File{
		{Flag: "--outputs-file", Path: in.OutputsFile},
		{Flag: "--named-outputs-file", Path: in.NamedOutputsFile},
		{Flag: "--detailed-outputs-file", Path: in.DetailedOutputsFile},
		{Flag: "--plan-file", Path: in.PlanFile},
	}
}

// checkFiles refuses an output file that would overwrite another output or an
// input of the stage.
func (in Input) checkFiles() error {
	read := []stage.File{{Flag: "--execute-plan", Path: in.ExecutePlan}}
	folders := []stage.Folder{{Flag: "--assembly", Path: in.Assembly}, {Flag: "--source", Path: in.Source, Names: []string{"cdk.json", "cdk.context.json"}}}
	if in.Source != "" {
		read = append(read, stage.File{Flag: "--config", Path: filepath.Join(in.Source, filepath.FromSlash(in.Config))})
	}
	if in.ArtifactDir != "" {
		for _, folder := range bucket.Folders(in.Commit) {
			folders = append(folders, stage.Folder{Flag: "--artifact-dir", Path: filepath.Join(in.ArtifactDir, folder)})
		}
	}
	return stage.CheckFiles(in.written(), read, folders)
}

// plans reports whether only a plan is requested.
func (in Input) plans() bool { return in.Plan || in.PlanFile != "" }

// over applies the flags to the request of the configuration.
func (in Input) over(r deploy.Request) (deploy.Request, error) {
	parameters, err := deploy.ParseParameters(in.Parameters)
	if err != nil {
		return r, err
	}
	given, err := deploy.ParseContext(in.Context)
	if err != nil {
		return r, err
	}
	r.Parameters = append(r.Parameters, parameters...)
	r.Context = maps.Clone(r.Context)
	if r.Context == nil {
		r.Context = map[string]any{}
	}
	maps.Copy(r.Context, given)
	r.NotificationARNs = slices.Concat(in.NotificationARNs, r.NotificationARNs)
	r.Commit, r.Branch, r.Assembly, r.Limit = in.Commit, in.Branch, in.Assembly, in.Limit
	r.Only, r.Exclusively, r.Force, r.Advice = deploy.SplitNames(in.Stacks), in.Exclusively, in.Force, in.Advice
	r.Concurrency = cmp.Or(in.Concurrency, r.Concurrency)
	r.ImportExisting = r.ImportExisting || in.ImportExisting
	if in.Rollback != nil {
		r.NoRollback = !*in.Rollback
	}
	// What a person deploys in part, as planned, or as it was before, takes nothing away.
	r.Destroys = r.Destroys && len(in.Stacks) == 0 && in.ExecutePlan == "" && plan.Purpose(in.Purpose) != plan.ToRollBack
	r.MayRollBack = !r.NoRollback && (in.Rollback != nil || in.Force)
	return r, nil
}
