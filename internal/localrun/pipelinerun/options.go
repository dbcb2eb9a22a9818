package pipelinerun

import (
	"io"
	"time"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Options configure a local run. They are the flags of the verb that starts one.
type Options struct {
	config.FileFlag // its name or path; the nearest one upwards from Source is used

	Source    string    `help:"Folder of the git repository, or a folder in it; HEAD is run." default:"." type:"path" placeholder:"DIR"`
	State     string    `help:"Folder for state that is kept between runs: simulated AWS, pipeline objects, logs (default: .aphex in the source)." type:"path" placeholder:"DIR"`
	AWS       string    `help:"Where to deploy: simulator, or default-chain for real AWS accounts with your default credentials." enum:"simulator,default-chain" default:"simulator" name:"aws"`
	LogFormat string    `help:"Format of stderr: text, or json with one record per line." enum:"text,json" default:"text"`
	Lookups   bool      `help:"Allow context lookups in the accounts of --aws=default-chain; in simulated accounts they are always allowed."`
	Yes       bool      `short:"y" help:"Approve every deployment that requires approval."`
	From      string    `help:"Continue at this step, such as deploy-prod, with the artifact of the last run of the same commit: after a failure that the commit did not cause." placeholder:"STEP"`
	Only      []string  `help:"Environments to deploy; others are left out (default: all)." placeholder:"ENV"`
	Plan      bool      `help:"Check the commit as that of a pull request: validate it, show what it would change in each environment, and deploy nothing."`
	Keep      bool      `help:"Keep the workspaces of steps that succeeded; those of failed steps always stay."`
	At        time.Time `help:"Time from which the clock of the gates goes on, such as 2026-11-30T09:00:00+01:00 (default: now). To try windows and freezes." format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME"`
	Watch     bool      `help:"Run again for each new commit, until Ctrl-C."`

	SigningKey string `help:"Sign the release record of the run and the provenance of its artifact with the private key for P-256 in this file, PEM, in place of the key of signing in the configuration, which simulated accounts have." type:"path" placeholder:"FILE"`

	assets.BuilderAddress // builds image assets; empty is docker
	plan.PlaceFlags       // of the pipeline itself

	Asked *argo.Asked `kong:"-"` // what a person asks for, if the run deploys what an earlier one built

	In  io.Reader `kong:"-"` // for answers to approvals, if it is a terminal
	Out io.Writer `kong:"-"` // the summary
	Err io.Writer `kong:"-"` // logs and progress
}

// Help returns the details and examples of the verb.
func (Options) Help() string {
	return `Runs the rendered WorkflowTemplate, the same that a cluster runs, with processes instead of pods. AWS is
simulated unless --aws=default-chain is set. A simulated account is bootstrapped in a region, with the app's
qualifier, on first use; a real account never is.

The pipeline's objects are kept in the state folder. A commit is deployed by the pipeline that it declares:
if that differs from the pipeline of the last commit, the run hands over to a run of the new pipeline, which
uses the artifact that was built.

--plan shows what the last commit would change, by comparing templates with what was deployed in the simulated or the
real accounts. It runs what the pipeline of the state folder checks pull requests with, and fails for what
pullRequests.failOn of the configuration lists.

The run takes the last commit. --only deploys some of its environments, in their order. --from skips the build
and the environments before the step.

Examples:

  generator run --source .
  generator run --source . --only dev --watch
  generator run --source . --plan
  generator run --source . --from deploy-prod
  generator run --source . --image-builder unix:///run/buildkit/buildkitd.sock
  generator run --source . --signing-key key.pem
  generator run --source . --aws=default-chain --yes`
}

// Validate refuses to go on with one artifact for each new commit, and an address that no
// stage takes.
func (o Options) Validate() error {
	if err := o.BuilderAddress.Validate(); err != nil {
		return err
	}
	if o.SigningKey != "" {
		if _, err := attest.ReadSigner(o.SigningKey); err != nil {
			return err
		}
	}
	if o.Plan && (o.From != "" || o.Watch || len(o.Only) > 0) {
		return errs.Invalidf("--plan cannot be combined with --from, --only or --watch: it plans all environments of the commit once")
	}
	if o.From != "" && o.Watch {
		return errs.Invalidf("--from cannot be combined with --watch: a new commit has no artifact yet")
	}
	return nil
}
