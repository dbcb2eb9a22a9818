package pipeline

import (
	"path/filepath"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Update the pipeline itself to what a commit declares.

Synthesizes every environment of the commit and finds its stacks, so that what is
wrong with any of them is found before one is touched. Names the stacks of the app
that no environment deploys, and those that an earlier run deployed and no
environment deploys any more, as long as they exist. Then it reads the configuration
of the commit, deploys the repository's own pipeline stack (pipelineStack) if it has
one, renders the pipeline's objects and applies them to the cluster, or to a folder.
A run whose commit declares another pipeline than the one that the run is of hands
over: a run of the new version goes on with the same commit and what was built of
it. Approvals that the commit adds, and those that it removes, are waited for.

Example, on a plain folder:

  deployer pipeline --source . --objects ./objects --commit $(git rev-parse HEAD) \
    --bucket aphex-shop-111111111111-eu-west-1 --region eu-west-1
`

// Input is what the stage is given.
type Input struct {
	Commit string `help:"Full commit SHA whose pipeline is deployed." required:""`
	Branch string `help:"Branch of the commit."`
	Config string `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`

	Bucket  string `help:"Artifact bucket, which the rendered pipeline uses as well." required:""`
	Region  string `help:"Region of the pipeline and of its bucket." env:"APHEX_REGION,AWS_REGION" required:""`
	Account string `help:"Account of the pipeline, whose roles its pods have."`

	Artifact  string `help:"Key of the built workspace in the bucket."`
	Digest    string `help:"SHA-256 digest of the artifact, as sha256:<hex>."`
	Source    string `help:"Folder to use in place of an artifact." type:"path"`
	Objects   string `help:"Folder that is given the objects in place of a cluster." type:"path"`
	Lookups   bool   `help:"Let the CDK CLI look up context that cdk.context.json lacks, as lookups: true in the configuration does."`
	OnFailure string `help:"What a failed update of the pipeline means for the run: continue or stop." enum:"continue,stop" default:"continue"`

	// To see whether a newer commit is deployed already.
	Repository  string `help:"https URL of the repository, to see whether a newer commit is deployed already." placeholder:"URL"`
	Prefix      string `help:"What the names of runs begin with; the first 32 digits of the commit follow." default:"aphex-pipeline-"`
	TokenSecret string `help:"Secret in Secrets Manager that holds the repository's token as {\"token\": \"…\"}." placeholder:"NAME"`
	Host        string `help:"Only host that the repository may be on." default:"github.com"`
	AllowLocal  bool   `help:"Accept a repository on this machine (file://); for local runs only."`

	// What the run is of, and what it hands over.
	Template     string   `help:"Version of the workflow template that the run is of. Without it the run does not hand over." placeholder:"NAME" group:"Run"`
	Environments []string `help:"Environments that the run deploys." sep:" " placeholder:"NAME" group:"Run"`
	Gates        []string `help:"Those of them that wait for an approval as the run is declared." sep:" " placeholder:"NAME" group:"Run"`
	Held         []string `help:"Environments that wait for an approval as the run that handed over to this one found." sep:" " placeholder:"NAME" group:"Run"`
	Origin       string   `help:"Run that handed over to this one, which does not hand over again." placeholder:"NAME" group:"Run"`
	RepoName     string   `help:"Owner and name of the repository, for the run that goes on." placeholder:"OWNER/NAME" group:"Run"`
	Pusher       string   `help:"Login of who pushed, for the run that goes on." group:"Run"`

	// What a configuration that says nothing of GitHub and the cluster was
	// completed with when the pipeline was made.
	GithubOwner  string `help:"Owner of the repository, where the configuration names none." group:"Completion"`
	GithubRepo   string `help:"Name of the repository, where the configuration names none." group:"Completion"`
	GithubBranch string `help:"Branch whose pushes are deployed, where the configuration names none." group:"Completion"`
	ClusterName  string `help:"Name of the cluster, where the configuration names none." group:"Completion"`

	// Names that the pipeline has, and keeps where the configuration leaves them
	// out. The template of a former version hands over none but the prefix: its
	// names are those that held then.
	TemplateName   string `help:"Name that the pipeline has, where the configuration gives none." default:"aphex-pipeline-template" placeholder:"NAME" group:"Completion"`
	EventSource    string `help:"Name of its EventSource, where the configuration gives none." default:"github" placeholder:"NAME" group:"Completion"`
	Sensor         string `help:"Name of its Sensor, where the configuration gives none." default:"aphex-pipeline-sensor" placeholder:"NAME" group:"Completion"`
	ServiceAccount string `help:"Name of its ServiceAccount, where the configuration gives none." default:"workflow-executor" placeholder:"NAME" group:"Completion"`
}

// fallback is what the pipeline was completed with. Prefix is the name that its
// runs have had so far.
func (in Input) fallback() config.Fallback {
	return config.Fallback{
		GithubOwner: in.GithubOwner, GithubRepo: in.GithubRepo, GithubBranch: in.GithubBranch, ClusterName: in.ClusterName,
		WorkflowTemplateName: in.TemplateName, EventSourceName: in.EventSource, SensorName: in.Sensor,
		ServiceAccountName: in.ServiceAccount, WorkflowNamePrefix: in.Prefix,
	}
}

// Validate refuses an input that names no workspace, or two.
func (in Input) Validate() error {
	if (in.Source == "") == (in.Artifact == "") {
		return errs.Invalidf("exactly one of --source and --artifact names the workspace").
			WithHint("give --artifact and --digest as the build stage printed them, or --source and a folder")
	}
	if in.Source != "" && in.Objects != "" && filepath.Clean(in.Source) == filepath.Clean(in.Objects) {
		return errs.Invalidf("--objects is --source, and the folder of the objects holds nothing else").WithHint("give a folder in it, such as ./objects")
	}
	if in.Artifact != "" && in.Digest == "" {
		return errs.Invalidf("the artifact %q has no digest", in.Artifact).WithHint("give --digest as the build stage printed it")
	}
	if in.Repository != "" {
		return checkout.CheckURL(in.Repository, in.Host, in.AllowLocal)
	}
	return nil
}

// Output is what the stage leaves.
type Output struct {
	Result     string               `output:"result" help:"updated, unchanged, kept: the update failed and the last good pipeline stays, or handed-over: another run goes on."`
	Changes    []manifest.Change    `output:"changes" help:"What applying did to each object."`
	NoApproval string               `output:"no-approval" help:"Environments of the run that need no approval, each between commas."`
	Handover   *stage.Handover      `output:"handover" help:"The run that goes on, and what it is given; null is none."`
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

// Contract is the stage from outside.
func Contract() contract.Contract { return contract.Of[Input, Output]("deployer", "pipeline") }
