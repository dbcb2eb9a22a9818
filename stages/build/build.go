package build

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/aphex/aphex-pipeline/internal/attest"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/internal/stage/contract"
)

// Help describes the stage on the command line.
const Help = `Build a commit once, for all environments.

Checks out exactly the commit, runs build.commands of its configuration in
order, collects the artifacts they produce, and packs the workspace as
one object named by its SHA-256 digest. COMMIT_SHA, BRANCH and REPOSITORY are set
in the environment of the commands, with build.env of the configuration.

Examples:

  builder --repository https://github.com/my-org/my-app.git --commit $(git rev-parse HEAD) \
    --bucket aphex-shop-111111111111-eu-west-1
  builder --source . --commit $(git rev-parse HEAD) --artifact-dir ./built
`

// Input is the input of the stage.
type Input struct {
	Commit       string        `help:"Full commit SHA to build." required:""`
	Repository   string        `help:"https URL of the repository." placeholder:"URL"`
	Branch       string        `help:"Branch of the commit."`
	CacheBranch  string        `help:"Branch of the pipeline, whose builds save build.cache. Builds of other branches restore it, and save it only on this machine. Without it there is no cache." placeholder:"NAME"`
	Source       string        `help:"Folder to copy and build instead of a repository." type:"path" placeholder:"DIR"`
	Config       string        `help:"Configuration file, relative to the repository." default:"aphex-config.yaml"`
	ConfigDigest string        `help:"SHA-256 digest of the configuration file, as printed by the validator: another file is refused. Without it, the file of the workspace is used; a run always passes it." nonempty:"" placeholder:"sha256:<hex>"`
	Bucket       string        `help:"Artifact bucket."`
	ArtifactDir  string        `help:"Folder for the artifact, instead of a bucket." type:"path" placeholder:"DIR"`
	TokenSecret  string        `help:"Secrets Manager secret with the repository token, as {\"token\": \"…\"}." placeholder:"NAME"`
	GithubApp    string        `help:"GitHub App in place of a token, as ID/INSTALLATION: the secret has its private key." placeholder:"APP"`
	Host         string        `help:"Host the repository must be on." default:"github.com"`
	AllowLocal   bool          `help:"Accept a repository on this machine (file://). For local runs only."`
	Limit        time.Duration `help:"Time limit for each command without a timeout in the configuration." default:"1h"`
	attest.Signing
}

// Validate requires exactly one workspace and exactly one destination for the artifact.
func (in Input) Validate() error {
	if (in.Source == "") == (in.Repository == "") {
		return errs.Invalidf("use exactly one of --source and --repository").
			WithHint("to build a copy of this folder: builder --source .")
	}
	if (in.Bucket == "") == (in.ArtifactDir == "") {
		return errs.Invalidf("use exactly one of --bucket and --artifact-dir")
	}
	if in.Source != "" && filepath.Clean(in.Source) == filepath.Clean(in.ArtifactDir) {
		return errs.Invalidf("--artifact-dir and --source are the same folder; the next build would copy this one's artifact").WithHint("use a subfolder, such as ./built")
	}
	if in.Source != "" && in.Signs() {
		return errs.Invalidf("--signing-key requires --repository: a copy of a folder has no provenance")
	}
	if in.Repository != "" {
		if err := checkout.CheckURL(in.Repository, in.Host, in.AllowLocal); err != nil {
			return err
		}
	}
	return checkout.CheckCommit(in.Commit)
}

// Output is the output of the stage.
type Output struct {
	Artifact string `output:"artifact" help:"Key of the built workspace in the bucket."`
	Digest   string `output:"digest" help:"SHA-256 digest of the artifact, as sha256:<hex>."`
}

// Contract describes the program, inputs and outputs of the stage.
func Contract() contract.Contract { return contract.Of[Input, Output]("builder") }

// Deps are the dependencies of the stage.
type Deps struct {
	// Runner runs the build commands.
	Runner command.Runner
	// Commits checks the commit out.
	Commits checkout.Commits
	// Assume gives the build commands the credentials of a role: it returns their variables,
	// and ends them with leave.
	Assume func(ctx context.Context, frame stage.Frame, role string) (variables []string, leave func(), err error)
	// Secrets reads the secrets of a key of the configuration, and returns their variables.
	Secrets func(ctx context.Context, mask *redact.Redactor, key string, secrets map[string]config.Secret) ([]string, error)
	// Signer signs the provenance of the artifact; nil signs none.
	Signer attest.Signer
	// Bucket stores the packed workspace and its metadata.
	Bucket bucket.Bucket
}

// Run builds the commit.
func Run(ctx context.Context, d Deps, frame stage.Frame, in Input) (Output, error) {
	started := time.Now()
	if err := d.Bucket.Prepare(ctx); err != nil {
		return Output{}, err // fail before the build
	}
	parent, err := checkout.Scratch("build-")
	if err != nil {
		return Output{}, err
	}
	defer func() {
		if err := remove.All(parent); err != nil {
			frame.Log.Warn("cannot remove the temporary workspace", "folder", parent, "error", err)
		}
	}()
	dir := filepath.Join(parent, "workspace")
	fetchParts, err := d.fill(ctx, frame, in, dir)
	if err != nil {
		return Output{}, err
	}
	cfg, err := config.LoadCommitted(dir, in.Config, in.ConfigDigest)
	if err != nil {
		return Output{}, errs.Invalidf("%w", err)
	}
	if err := fetchParts(cfg.Checkout); err != nil {
		return Output{}, err
	}
	committed, err := config.DigestOf(dir, in.Config)
	if err != nil {
		return Output{}, errs.Invalidf("%w", err)
	}
	if err := d.Runner.Send(ctx, dir); err != nil {
		return Output{}, err
	}
	folders := d.openCache(frame, in, cfg.Build, dir)
	folders.restore(ctx)
	commands, err := d.run(ctx, frame, in, cfg.Build, dir)
	if err != nil {
		return Output{}, err
	}
	packed, err := d.pack(ctx, in, cfg.Build, dir, committed)
	if err != nil {
		return Output{}, err
	}
	defer packed.Remove()
	artifacts, err := artifactsOf(dir, cfg.Build)
	if err != nil {
		return Output{}, err
	}
	for _, line := range alike(artifacts) {
		frame.Log.Warn(line)
	}
	out, err := d.store(ctx, frame, packed, d.describe(ctx, in, commands, artifacts))
	if err == nil {
		err = d.attest(ctx, frame, in, attest.Build{
			Artifact: attest.Subject{Name: out.Artifact, Digest: out.Digest}, ConfigDigest: committed, Started: started, Ended: time.Now(),
		})
	}
	if err == nil {
		folders.save(ctx)
	}
	return out, err
}

// pack packs what the commands left in the workspace, if its configuration is that of the commit.
func (d Deps) pack(ctx context.Context, in Input, build config.Build, dir, committed string) (bucket.Packed, error) {
	packed, err := bucket.PackBuilt(ctx, d.Runner, dir, checkout.Excluded, unread(build.Artifacts, in.Config))
	if err != nil {
		return bucket.Packed{}, err
	}
	if built, err := config.DigestOf(dir, in.Config); err != nil || built != committed {
		packed.Remove()
		return bucket.Packed{}, errs.Failedf("the build changed %s, but a run uses the file of its commit", in.Config).
			WithHint("let the build write to other files, and commit changes of %s", in.Config)
	}
	return packed, nil
}

// store stores the packed workspace as one object.
func (d Deps) store(ctx context.Context, frame stage.Frame, packed bucket.Packed, m bucket.Metadata) (Output, error) {
	m, err := d.Bucket.Save(ctx, packed, m)
	if err != nil {
		return Output{}, err
	}
	frame.Log.Info("stored the workspace", "key", m.Key, "files", m.Files, "bytes", m.Bytes, "packed", m.Size)
	return Output{Artifact: m.Key, Digest: m.Digest}, nil
}

// fill creates the workspace: a checkout, or a copy of a plain folder. It returns what adds
// the parts that the configuration of the commit asks for.
func (d Deps) fill(ctx context.Context, frame stage.Frame, in Input, dir string) (fetchParts func(config.Checkout) error, err error) {
	if in.Source != "" {
		return func(config.Checkout) error { return nil }, checkout.Snapshot(ctx, frame.Out, in.Source, dir, in.ArtifactDir)
	}
	done, fetchParts, err := d.Commits.Get(ctx, checkout.Options{
		URL: in.Repository, Commit: in.Commit, Branch: in.Branch, Dir: dir, Host: in.Host, AllowLocal: in.AllowLocal, Progress: frame.Out,
	}, frame.Redactor.Add)
	if err != nil {
		return nil, err
	}
	frame.Log.Info("checked out", "commit", done.Commit, "files", done.Files, "bytes", done.Bytes,
		"seconds", done.Duration.Round(time.Millisecond).Seconds())
	return fetchParts, nil
}

// run runs the build commands, which get the credentials of a role if the configuration
// names one that a person approved, else none.
func (d Deps) run(ctx context.Context, frame stage.Frame, in Input, build config.Build, dir string) ([]checkout.CommandResult, error) {
	variables := append(config.Variables(build.Env), "COMMIT_SHA="+in.Commit, "BRANCH="+in.Branch, "REPOSITORY="+in.Repository)
	if build.RoleARN != "" {
		issued, leave, err := d.Assume(ctx, frame, build.RoleARN)
		if refused := (*awsauth.NotAssumedError)(nil); errors.As(err, &refused) {
			return nil, errs.Invalidf("build.roleArn: %w", err).
				WithHint("check that the role exists and trusts %s; if no person has approved it yet: %s", refused.From, plan.ApproveFix)
		}
		if err != nil {
			return nil, fmt.Errorf("build.roleArn: %w", err)
		}
		defer leave()
		variables = append(variables, issued...)
	}
	if len(build.Secrets) > 0 {
		secrets, err := d.secrets(ctx, frame, in, build.Secrets)
		if err != nil {
			return nil, err
		}
		variables = append(variables, secrets...)
	}
	return checkout.RunCommands(ctx, build.Commands, checkout.ExecOptions{
		Runner: d.Runner, Dir: d.Runner.Place(dir), Env: checkout.Environ(d.Runner.Environ(), variables...),
		Out: frame.Out, Redactor: frame.Redactor, Limit: in.Limit, Timeout: checkout.Timeout{Key: "build.timeout", Of: build.Timeout.Duration()},
		Memory: config.BuildMemory,
	})
}

// secrets reads the secrets of the build commands. The token of the repository, which this
// identity can read for the checkout, is none of them whatever a commit says.
func (d Deps) secrets(ctx context.Context, frame stage.Frame, in Input, secrets map[string]config.Secret) ([]string, error) {
	for name, secret := range secrets {
		if in.TokenSecret != "" && secret.SecretsManager == in.TokenSecret {
			return nil, errs.Invalidf("build.secrets.%s: %s is the secret with the token of the repository, which commands never get", name, secret.SecretsManager).
				WithHint("create a secret and a token of their own for the commands")
		}
	}
	return d.Secrets(ctx, frame.Redactor, "build.secrets", secrets)
}
