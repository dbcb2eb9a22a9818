package validation

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Validate a commit.

Checks the configuration, the access to every environment's account and its id, the
version of its CDK bootstrap stack, and the CDK context and the tools that the
configuration requires. All findings are reported together, on standard output.

Before that, the run of a push ends if no file of triggers.paths has changed since
what is deployed, and the run of a tag fails if its commit is not on the branch.
The name of the run (--workflow, after --prefix) says what started it.

Examples:

  validator --source .
  validator --source . --offline --format json
  validator --repository https://github.com/my-org/my-app.git --commit $(git rev-parse HEAD)
`

// Input is the input of the stage.
type Input struct {
	Commit      string   `help:"Full commit SHA."`
	Repository  string   `help:"https URL of the repository." placeholder:"URL"`
	Branch      string   `help:"Branch of the commit."`
	Source      string   `help:"Folder to use instead of a repository." type:"path" placeholder:"DIR"`
	Config      string   `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	TokenSecret string   `help:"Secrets Manager secret with the repository token, as {\"token\": \"…\"}." placeholder:"NAME"`
	GithubApp   string   `help:"GitHub App in place of a token, as ID/INSTALLATION: the secret has its private key." placeholder:"APP"`
	Host        string   `help:"Host the repository must be on." default:"github.com"`
	AllowLocal  bool     `help:"Accept a repository on this machine (file://). For local runs only."`
	Access      []string `help:"What a person approved that the pipeline can access: ACCOUNT=QUALIFIER,… or a roleArn, each with the commandRoleArns behind a |. Environments of other accounts are not deployed, and are warnings (default: all, as in a local run)." env:"APHEX_ACCESS,APHEX_ENTRANCES" sep:" " placeholder:"WHAT …"`
	Bucket      string   `help:"Artifact bucket, which says what is deployed: for triggers.paths." placeholder:"NAME"`
	Prefix      string   `help:"Prefix of the names of runs: the name of a run says what started it." placeholder:"TEXT"`
	Pending     string   `help:"Name of the pipeline: set the statuses of the commit at GitHub to pending." placeholder:"NAME"`
	RunURL      string   `help:"URL of the page of a run, with {run} for its name." placeholder:"URL"`
	Entrypoint  string   `help:"Template that the run began with, such as check."`
	Silent      bool     `help:"Set no status. For local runs."`
	Offline     bool     `help:"Skip the checks that need AWS."`
	Format      string   `help:"Format of the report: text or json." enum:"text,json" default:"text"`
}

// Validate requires exactly one workspace.
func (in Input) Validate() error {
	switch {
	case (in.Source == "") == (in.Repository == ""):
		return errs.Invalidf("use exactly one of --source and --repository").
			WithHint("to validate this folder: validator --source .")
	case in.Repository != "" && in.Commit == "":
		return errs.Invalidf("--repository %q requires --commit", in.Repository).WithHint("pass --commit")
	case in.Repository != "":
		return checkout.CheckURL(in.Repository, in.Host, in.AllowLocal)
	}
	return nil
}

// Output is the output of the stage.
type Output struct {
	Findings     []Finding `output:"findings" help:"All findings, as JSON."`
	ConfigDigest string    `output:"config-digest" help:"SHA-256 digest of the configuration file of the commit, as sha256:<hex>."`
	Skipped      string    `output:"skipped" help:"Why the run ends here, as it has nothing to do; empty if it goes on."`
}

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("validator") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Checkout checks out the repository at the commit into dir.
	Checkout func(ctx context.Context, frame stage.Frame, in Input, dir string) error
	// Open opens an artifact bucket.
	Open func(ctx context.Context, name string) (bucket.Bucket, error)
	// Changed returns the first file that counts among those in which the commit differs
	// from the commit before; "" is none.
	Changed func(ctx context.Context, frame stage.Frame, in Input, before string, counts func(file string) bool) (string, error)
	// OnBranch reports whether the commit is the head of the branch or before it.
	OnBranch func(ctx context.Context, frame stage.Frame, in Input) (bool, error)
	// Assume assumes access to the environment's account and compares its id.
	Assume func(ctx context.Context, env config.Environment) error
	// BootstrapVersion reads the version of the CDK bootstrap stack in the environment.
	BootstrapVersion func(ctx context.Context, env config.Environment) (int, error)
	// Repository opens the repository at GitHub. It is called if Pending is set.
	Repository func(ctx context.Context, frame stage.Frame, in Input) (Begins, error)
	// LookPath finds a program, as exec.LookPath does.
	LookPath func(program string) (string, error)
}

// Run validates the workspace.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	if in.AllowLocal {
		in.Access = nil // whoever starts a local run approves it: it has their rights, and deploys every environment
	}
	shown := d.begin(ctx, frame, in)
	defer shown.wait()
	if err := d.checkTag(ctx, frame, in); err != nil {
		return Output{}, err
	}
	dir, done, err := d.workspace(ctx, frame, in)
	if err != nil {
		return Output{}, err
	}
	defer done()
	digest, _ := config.DigestOf(dir, in.Config) // a file that cannot be read is a finding
	skipped, err := d.skips(ctx, frame, in, dir)
	if err != nil {
		return Output{}, err
	}
	if skipped != "" {
		frame.Log.Info("nothing to do: " + skipped)
		return Output{Findings: append([]Finding{}, shown.wait()...), ConfigDigest: digest, Skipped: skipped}, nil
	}
	found := append(validate(ctx, d, frame, in, dir, shown), shown.wait()...)
	if err := ctx.Err(); err != nil {
		return Output{}, err
	}
	if err := report(frame.Stdout, in.Format, found); err != nil {
		return Output{}, err
	}
	return Output{Findings: found, ConfigDigest: digest}, verdict(found)
}

// validate runs every check, or only the first if the configuration is invalid.
func validate(ctx context.Context, d Deps, frame stage.Frame, in Input, dir string, shown *beginning) []Finding {
	cfg, err := config.LoadCommitted(dir, in.Config, "")
	if err != nil {
		return configuration(in.Config, err)
	}
	shown.environments(cfg.EnvironmentNames())
	cfg = cfg.At(in.Config)
	frame.Log.Info("the configuration is valid", "environments", len(cfg.Environments), "file", in.Config)
	found := Files(dir, in.Config, cfg)
	found = append(found, tools(d.LookPath, dir, cfg)...)
	if !in.Offline {
		found = append(found, accounts(ctx, d, frame, in, cfg)...)
	}
	return found
}

// Files checks a valid configuration, the file in the repository at dir, against the files that it names. It starts
// no program and needs no network.
func Files(dir, file string, cfg *config.Config) []Finding {
	found := []Finding{}
	found = append(found, policies(dir, file, cfg)...)
	found = append(found, apps(dir, cfg)...)
	found = append(found, requiredContext(dir, cfg)...)
	found = append(found, webhook(file, cfg)...)
	return append(found, images(file, cfg)...)
}

// webhook warns of a webhook that is reached over plain HTTP. The installation refuses it;
// one that is installed keeps working.
func webhook(file string, cfg *config.Config) []Finding {
	problem, fix := cfg.WebhookProblem()
	if problem == "" || cfg.ClusterName == "" || cfg.GithubRepo == "" {
		return nil // or no webhook
	}
	return []Finding{{Severity: Warning, Check: "webhook", Where: file, What: problem, Fix: fix, Path: "webhookService"}}
}

// images warns of images whose names refer to others later.
func images(file string, cfg *config.Config) []Finding {
	var found []Finding
	for _, program := range []string{"builder", "deployer", "tester"} {
		image := cfg.OwnImage(program)
		name := image[strings.LastIndexByte(image, '/')+1:]
		if image != "" && (!strings.Contains(name, ":") || strings.HasSuffix(name, ":latest")) {
			found = append(found, Finding{
				Severity: Warning, Check: "image", Where: file, Path: program + "Image", Fix: "name it by its digest: " + program + "Image: REPOSITORY@sha256:<digest>",
				What: program + "Image is " + image + ": two runs of one commit can get different images",
			})
		}
	}
	return found
}

// configuration turns the problems of the configuration into findings.
func configuration(file string, err error) []Finding {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return []Finding{{Severity: Error, Check: "configuration", Where: file, What: err.Error(), Fix: "create one with: generator init"}}
	}
	var found []Finding
	for _, problem := range problems {
		found = append(found, Finding{
			Severity: Error, Check: "configuration", Where: place(file, problem), What: problem.Message, Fix: problem.Hint,
		})
	}
	return found
}

func (d Deps) workspace(ctx context.Context, frame stage.Frame, in Input) (dir string, done func(), err error) {
	if in.Source != "" {
		return in.Source, func() {}, nil
	}
	parent, err := checkout.Scratch("validation-")
	if err != nil {
		return "", nil, err
	}
	done = func() { _ = remove.All(parent) }
	dir = filepath.Join(parent, "workspace")
	if err := d.Checkout(ctx, frame, in, dir); err != nil {
		done()
		return "", nil, err
	}
	return dir, done, nil
}
