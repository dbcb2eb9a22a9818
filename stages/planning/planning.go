package planning

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Plan what a commit would change in each environment.

Builds the commit, synthesizes the CDK apps of each environment and compares their
templates with the deployed ones: for each stack the resources added, modified, replaced
and removed, what becomes of the data of those that keep some, broader permissions and
networks, and the approval that the deployment would wait for. It is what the check of a
pull request runs. Nothing is created in any account: access is by the lookup roles of
the CDK bootstraps alone. An environment with a roleArn is not planned, as that role is
for its deployments.

The build commands get no cache, and neither build.roleArn nor build.secrets. If the
configuration has these and the build fails, the environments are reported as not planned,
and with --fail-on the stage fails.

What only AWS knows is not in this plan, such as the values of parameters: what a
resource gets from them may change it, too. "deployer environment --plan" creates change
sets and knows.

--fail-on and pullRequests.failOn of the commit's configuration name what the stage fails
for, after it has printed and stored the plans. It then fails also for an environment that
could not be planned, as nobody knows what changes there, but for those of --unplanned.

Examples:

  deployer plan --source . --commit $(git rev-parse HEAD)
  deployer plan --source . --commit $(git rev-parse HEAD) --fail-on destructive
  generator run --plan
`

// Input is the input of the stage.
type Input struct {
	Commit       string              `help:"Full commit SHA to plan." required:""`
	Repository   string              `help:"https URL of the repository." placeholder:"URL"`
	Branch       string              `help:"Branch of the commit."`
	Source       string              `help:"Folder to use instead of a repository, as it is built." type:"path" placeholder:"DIR"`
	Config       string              `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	ConfigDigest string              `help:"SHA-256 digest of the configuration file, as printed by the validator: another file is refused. Without it, the file of the workspace is used; a run always passes it." nonempty:"" placeholder:"sha256:<hex>"`
	Bucket       string              `help:"Artifact bucket, which stores the plans of a run."`
	TokenSecret  string              `help:"Secrets Manager secret with the repository token, as {\"token\": \"…\"}." placeholder:"NAME"`
	GithubApp    string              `help:"GitHub App in place of a token, as ID/INSTALLATION: the secret has its private key." placeholder:"APP"`
	Host         string              `help:"Host the repository must be on." default:"github.com"`
	AllowLocal   bool                `help:"Accept a repository on this machine (file://). For local runs only."`
	FailOn       []config.PlanReason `help:"What the stage fails for, besides pullRequests.failOn of the commit: broadening, destructive." enum:"broadening,destructive" placeholder:"REASON,…"`
	Unplanned    []string            `help:"Environments for which the stage does not fail although they cannot be planned, with their roleArn: those that the installed pipeline has." placeholder:"NAME=ROLE,…"`
	Lookups      bool                `help:"Let the CDK CLI look up context missing from cdk.context.json, like lookups: true in the configuration."`
	PullRequest  string              `help:"Number of the pull request to show the plans at: in a comment, which each plan edits." placeholder:"NUMBER"`
	Pipeline     string              `help:"Name of the pipeline, which its comment has." placeholder:"NAME"`
	Limit        time.Duration       `help:"Time limit for each command without a timeout in the configuration." default:"1h"`
}

// Validate requires exactly one workspace.
func (in Input) Validate() error {
	if (in.Source == "") == (in.Repository == "") {
		return errs.Invalidf("use exactly one of --source and --repository").
			WithHint("to plan this folder: deployer plan --source . --commit $(git rev-parse HEAD)")
	}
	if in.Repository != "" {
		if err := checkout.CheckURL(in.Repository, in.Host, in.AllowLocal); err != nil {
			return err
		}
	}
	if in.PullRequest != "" && (!pullRequest.MatchString(in.PullRequest) || in.Pipeline == "") {
		return errs.Invalidf("%q is no number of a pull request, or --pipeline is missing", in.PullRequest).WithHint("pass --pull-request 7 --pipeline NAME")
	}
	return checkout.CheckCommit(in.Commit)
}

// pullRequest matches the number of a pull request.
var pullRequest = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

// Output is the output of the stage.
type Output struct {
	Plans   string    `output:"plans" help:"Key of the plans as Markdown in the bucket; the plan of each environment is beside it."`
	Planned []Summary `output:"planned" help:"What is known of each environment, as JSON."`

	printed bool
	hidden  []string // environments that a commit could hide from what it must not do
}

// Printed reports whether stdout already has the result: the plans.
func (o Output) Printed() bool { return o.printed }

// Summary is what the plan of an environment comes to.
type Summary struct {
	Environment string              `json:"environment"`
	Key         string              `json:"key,omitempty"` // of the plan in the bucket
	Digest      string              `json:"digest"`        // of the plan, as sha256:<hex>
	Changes     bool                `json:"changes"`
	Broader     bool                `json:"broader"`
	Destructive bool                `json:"destructive"`
	Refused     []config.PlanReason `json:"refused,omitempty"` // reasons for which the check fails
	Problem     string              `json:"problem,omitempty"` // why it could not be planned
}

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "plan") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Engine runs commands and gets access.
	Engine deploy.Engine
	// Commits checks the commit out.
	Commits checkout.Commits
	// Repository opens the repository at GitHub. It is called if there is a pull request.
	Repository func(context.Context) (Commenter, error)
	// Bucket stores the plans; it may be nil.
	Bucket bucket.Bucket
}

// Run plans the commit. The output is valid also with an error.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (out Output, err error) {
	scratch, err := checkout.Scratch("plan-")
	if err != nil {
		return Output{}, err
	}
	defer remove.All(scratch)
	engine := d.Engine.In(frame, progress.Options{})
	stop := engine.Reporter.Watch()
	cfg, workspace, err := d.build(ctx, frame, in, scratch)
	if cfg == nil {
		stop()
		return Output{}, err
	}
	var plans []*planned.Plan
	wrong, reasons := err, slices.Concat(in.FailOn, cfg.PullRequests.FailOn)
	if err == nil {
		plans, wrong = engine.Compare(ctx, deploy.CheckRequest{
			Config: cfg, Commit: in.Commit, Branch: in.Branch, Scratch: scratch, Workspace: workspace, Lookups: in.Lookups || cfg.Lookups, Limit: in.Limit,
		})
	} else {
		plans = unbuilt(cfg, in.Commit, frame.Redactor.String(err.Error()))
		if needsMore(cfg.Build) && reasons == nil && errs.KindOf(err) == errs.Failed { // with reasons, a build could hide from the plan
			frame.Log.Warn("the commit is not planned: its build failed, and that of a pull request gets neither build.roleArn nor build.secrets", "error", err)
			wrong = nil
		}
	}
	stop()
	if plans == nil || ctx.Err() != nil {
		return Output{}, wrong
	}
	out, err = d.keep(ctx, frame, in, plans, reasons)
	if reasons != nil {
		out.hidden = in.hidden(cfg, plans)
	}
	if err := cmp.Or(err, printPlans(frame.Stdout, plans)); err != nil {
		return out, err
	}
	out.printed = true
	return out, cmp.Or(wrong, out.refusal())
}

// printPlans prints the plans as text.
func printPlans(to io.Writer, plans []*planned.Plan) error {
	terminal := screen.On(to)
	for i, p := range plans {
		text := p.Text(terminal != nil && terminal.Color())
		if i > 0 {
			text = "\n" + text
		}
		if _, err := io.WriteString(to, text); err != nil {
			return err
		}
	}
	return nil
}

// keep stores the plans of a run, and says what each comes to.
func (d Deps) keep(ctx context.Context, frame stage.Frame, in Input, plans []*planned.Plan, reasons []config.PlanReason) (out Output, err error) {
	stores := d.Bucket != nil && frame.Workflow != ""
	for _, p := range plans {
		s := Summary{
			Environment: p.Environment, Changes: p.Changes(), Broader: p.Broader, Destructive: p.Destructive, Refused: p.Against(reasons), Problem: p.Problem,
		}
		if s.Digest, err = p.Digest(); err != nil {
			return out, err
		}
		if stores {
			s.Key = bucket.PlanKey(in.Commit, frame.Workflow, p.Environment)
			text, err := p.JSON()
			if err == nil {
				err = d.Bucket.Put(ctx, s.Key, text)
			}
			if err != nil {
				return out, err
			}
		}
		out.Planned = append(out.Planned, s)
	}
	if !stores {
		return out, nil
	}
	out.Plans = bucket.PlanCommentKey(in.Commit, frame.Workflow)
	text := planned.Markdown(plans, in.Commit, filepath.ToSlash(filepath.Dir(out.Plans)))
	if err := d.Bucket.Put(ctx, out.Plans, []byte(text)); err != nil {
		return out, err
	}
	d.show(ctx, frame, in, text)
	return out, nil
}

// hidden lists the environments that could not be planned, but for those that the installed
// pipeline does not plan either: with a role or an account of its own choice, a commit could
// hide what it changes.
func (in Input) hidden(cfg *config.Config, plans []*planned.Plan) (names []string) {
	for _, p := range plans {
		env, _ := cfg.Environment(p.Environment)
		if p.Problem != "" && (env.RoleARN == "" || !slices.Contains(in.Unplanned, env.Name+"="+env.RoleARN)) {
			names = append(names, p.Environment)
		}
	}
	return names
}

// refusal is the error of plans that a check fails for; nil if there are none.
func (o Output) refusal() error {
	var refused []string
	for _, s := range o.Planned {
		for _, reason := range s.Refused {
			refused = append(refused, s.Environment+" is "+string(reason))
		}
	}
	switch {
	case refused != nil:
		return errs.Failedf("the commit is refused: the plan of %s", strings.Join(refused, ", of ")).
			WithHint("pullRequests.failOn says so; see the plan, and change the commit, or merge it despite the check if that is intended")
	case o.hidden != nil:
		return errs.Failedf("the commit is refused: nobody knows what it changes in %s, which could not be planned", strings.Join(o.hidden, " and ")).
			WithHint("pullRequests.failOn says so; see the plan for the reason. An account must be approved with generator bootstrap before it is planned, and a roleArn that the commit adds is not; review the environment, and merge the commit despite the check if it is right")
	}
	return nil
}

// unbuilt are plans of a commit whose build failed.
func unbuilt(cfg *config.Config, commit, problem string) (plans []*planned.Plan) {
	for _, env := range cfg.Environments {
		p := &planned.Plan{
			Version: planned.Version, Environment: env.Name, Account: env.Account, Region: env.Region, Commit: commit, Basis: planned.FromTemplates, Concurrency: env.Concurrency,
			PreDeploy: []string{}, PostDeploy: []string{}, Assets: []planned.Asset{}, Problem: "the build failed: " + problem,
		}
		p.Settle()
		plans = append(plans, p)
	}
	return plans
}

// needsMore reports whether a build gets something in a run of a push that it does not get here.
func needsMore(build config.Build) bool { return build.RoleARN != "" || len(build.Secrets) > 0 }
