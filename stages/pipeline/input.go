package pipeline

import (
	"cmp"
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Update the pipeline to the configuration of a commit.

Synthesizes every environment of the commit, selects its stacks, and checks that their
accounts grant the pipeline access and are bootstrapped, so that errors in any of them are
reported before the first one is changed. Access that the update of the pipeline grants is
checked after the update. Lists the stacks of the app
that no environment deploys, and existing stacks that an earlier run deployed and no
environment deploys any more. Then it reads the configuration
of the commit, deploys the repository's own pipeline stack (pipelineStack) if it has
one, renders the pipeline's objects and applies them to the cluster, or writes them to a
folder. If the commit declares another pipeline version than the run's, the run hands
over: a run of the new version continues with the same commit and the same built
workspace. It waits for approvals that the commit adds, and for those that it removes.

Example, on a plain folder:

  deployer pipeline --source . --objects ./objects --commit $(git rev-parse HEAD) \
    --bucket aphex-shop-111111111111-eu-west-1 --region eu-west-1
`

// Input is the input of the stage.
type Input struct {
	Commit string `help:"Full commit SHA whose pipeline to deploy." required:""`
	Branch string `help:"Branch of the commit."`
	Config string `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`

	Bucket  string `help:"Artifact bucket, also used by the rendered pipeline." required:""`
	Region  string `help:"Region of the pipeline and of its bucket." env:"APHEX_REGION,AWS_REGION" required:""`
	Account string `help:"Account of the pipeline and of the roles of its pods."`
	Images  string `help:"Images of the pipeline's own stages, with their digests, as the installed pipeline has them. No commit can change them." placeholder:"REGISTRY[:TAG]"`

	Artifact     string `help:"Key of the built workspace in the bucket."`
	Digest       string `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	ConfigDigest string `help:"SHA-256 digest of the configuration file, as printed by the validator: another file is refused. Without it, the file of the workspace is used; a run always passes it." nonempty:"" placeholder:"sha256:<hex>"`
	Source       string `help:"Folder to use instead of an artifact." type:"path"`
	Objects      string `help:"Folder to write the objects to, instead of a cluster." type:"path"`
	Lookups      bool   `help:"Let the CDK CLI look up context missing from cdk.context.json, like lookups: true in the configuration."`
	OnFailure    string `help:"Whether a failed update of the pipeline stops the run: continue or stop." enum:"continue,stop" default:"continue"`

	assets.BuilderAddress

	// To check whether a newer commit is already deployed.
	Repository  string `help:"https URL of the repository, to check whether a newer commit is already deployed." placeholder:"URL"`
	Prefix      string `help:"Prefix of the names of runs, followed by the first 32 digits of the commit." default:"aphex-pipeline-"`
	TokenSecret string `help:"Secrets Manager secret with the repository token, as {\"token\": \"…\"}." placeholder:"NAME"`
	GithubApp   string `help:"GitHub App in place of a token, as ID/INSTALLATION: the secret has its private key." placeholder:"APP"`
	Host        string `help:"Host the repository must be on." default:"github.com"`
	AllowLocal  bool   `help:"Accept a repository on this machine (file://). For local runs only."`

	// The version and the environments of the run, and what it hands over.
	Template     string   `help:"Version of the run's workflow template. Without it the run does not hand over." placeholder:"NAME" group:"Run"`
	Environments []string `help:"Environments that the run deploys." sep:" " placeholder:"NAME" group:"Run"`
	Places       []string `help:"Where these environments are." sep:" " placeholder:"NAME=ACCOUNT/REGION" group:"Run"`
	Gates        []string `help:"Environments that wait for an approval according to the run's template." sep:" " placeholder:"NAME" group:"Run"`
	Held         []string `help:"Environments that wait for an approval according to the run that handed over to this one." sep:" " placeholder:"NAME" group:"Run"`
	Origin       string   `help:"Run that handed over to this one. Such a run does not hand over again." placeholder:"NAME" group:"Run"`
	Purpose      string   `help:"What a person wants of the run: rollback, redeploy, promote or retry deploy what an earlier run built, and update nothing of the pipeline; override, approve and reject say something about another run; start is as a push." enum:",rollback,redeploy,promote,retry,override,approve,reject,start" default:"" group:"Run"`
	Only         []string `help:"Environments to deploy; none are all." sep:" " placeholder:"NAME" group:"Run"`
	Reason       string   `help:"Why the person asked for the run." group:"Run"`
	Target       string   `help:"With the purposes override, approve and reject: the run that is meant." placeholder:"NAME" group:"Run"`
	Override     []string `help:"With the purpose override: gates of the environments that it passes." sep:" " placeholder:"GATE" group:"Run"`
	Asks         bool     `help:"The environments of the run wait for approvals in steps of deployer gate. Templates of earlier versions suspend the run." group:"Run"`
	Created      string   `help:"When the run was created, as RFC 3339: the time of what a person approves or rejects with it." placeholder:"TIME" group:"Run"`
	RepoName     string   `help:"Owner and name of the repository, for the successor run." placeholder:"OWNER/NAME" group:"Run"`
	Pusher       string   `help:"Login of the pusher, for the successor run, or who asked for this one." group:"Run"`

	// Defaults from the installation, for a configuration without GitHub and cluster.
	GithubOwner  string `help:"Owner of the repository, if the configuration does not set it." group:"Completion"`
	GithubRepo   string `help:"Name of the repository, if the configuration does not set it." group:"Completion"`
	GithubBranch string `help:"Branch whose pushes are deployed, if the configuration does not set it." group:"Completion"`
	ClusterName  string `help:"Name of the cluster, if the configuration does not set it." group:"Completion"`

	// Names of the pipeline's objects, kept if the configuration does not set them.
	// Templates of earlier versions pass only the prefix: their names are the
	// defaults of that time.
	TemplateName   string `help:"Name of the pipeline, if the configuration does not set it." default:"aphex-pipeline-template" placeholder:"NAME" group:"Completion"`
	EventSource    string `help:"Name of its EventSource, if the configuration does not set it." default:"github" placeholder:"NAME" group:"Completion"`
	Sensor         string `help:"Name of its Sensor, if the configuration does not set it." default:"aphex-pipeline-sensor" placeholder:"NAME" group:"Completion"`
	ServiceAccount string `help:"Name of its ServiceAccount, if the configuration does not set it." default:"workflow-executor" placeholder:"NAME" group:"Completion"`
}

// fallback returns the defaults from the installation. Prefix is the current
// prefix of the names of runs.
func (in Input) fallback() config.Fallback {
	return config.Fallback{
		GithubOwner: in.GithubOwner, GithubRepo: in.GithubRepo, GithubHost: in.Host, GithubBranch: in.GithubBranch, ClusterName: in.ClusterName,
		WorkflowTemplateName: in.TemplateName, EventSourceName: in.EventSource, SensorName: in.Sensor,
		ServiceAccountName: in.ServiceAccount, WorkflowNamePrefix: in.Prefix,
	}
}

// checkHost refuses a commit that names another host for the repository: later runs would
// send the token there.
func (in Input) checkHost(cfg *config.Config) error {
	installed := cmp.Or(in.Host, checkout.DefaultHost)
	if in.Repository == "" || in.AllowLocal || cfg.GithubHost == installed {
		return nil
	}
	return errs.Invalidf("the commit sets githubHost to %q, but the pipeline is installed for %q", cfg.GithubHost, installed).
		WithHint("a commit cannot change where the token is sent; a person can: generator apply")
}

// Validate requires exactly one workspace.
func (in Input) Validate() error {
	if _, err := plan.ParseImages(in.Images); err != nil {
		return err
	}
	if err := in.BuilderAddress.Validate(); err != nil {
		return err
	}
	if (in.Source == "") == (in.Artifact == "") {
		return errs.Invalidf("use exactly one of --source and --artifact").
			WithHint("pass --artifact and --digest as printed by the build stage, or --source with a folder")
	}
	if in.Source != "" && in.Objects != "" && filepath.Clean(in.Source) == filepath.Clean(in.Objects) {
		return errs.Invalidf("--objects and --source are the same folder, but the folder for the objects must contain nothing else").WithHint("use a subfolder, such as ./objects")
	}
	if in.Artifact != "" && in.Digest == "" {
		return errs.Invalidf("the artifact %q has no digest", in.Artifact).WithHint("pass --digest as printed by the build stage")
	}
	if in.Repository != "" {
		return checkout.CheckURL(in.Repository, in.Host, in.AllowLocal)
	}
	return nil
}

// Output is the output of the stage.
type Output struct {
	Result     string               `output:"result" help:"updated, unchanged, kept (the update failed and the last good pipeline stays), or handed-over (another run continues)."`
	Changes    []manifest.Change    `output:"changes" help:"Change applied to each object."`
	NoApproval string               `output:"no-approval" help:"Environments of the run that need no approval, with a comma before and after each."`
	LeftOut    string               `output:"left-out" help:"Environments of the run that it does not deploy, with a comma before and after each."`
	Attested   bool                 `output:"attested" help:"Whether the API server compared who asked for the run with the name in it."`
	Handover   *stage.Handover      `output:"handover" help:"The successor run and its parameters, or null."`
	Undeployed []string             `output:"undeployed" help:"Stacks of the app that no environment deploys, by construct path."`
	Removed    []stage.RemovedStack `output:"removed" help:"Stacks that an earlier run deployed and no environment deploys any more."`
	Unreached  []string             `output:"unreached" help:"Environments of the commit that this run does not deploy."`
}

// The values of Output.Result.
const (
	Updated    = "updated"
	Unchanged  = "unchanged"
	Kept       = "kept"
	HandedOver = argo.HandedOver
)

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "pipeline") }
