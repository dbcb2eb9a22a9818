package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	engine "github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

const (
	dev    = "111111111111"
	prod   = "222222222222"
	commit = "0123456789abcdef0123456789abcdef01234567"
	// patience bounds the run of an app, on a machine that does a lot besides.
	patience = 10 * time.Minute
)

// bootstrapped is a simulated cloud, as a folder, in which both accounts are
// bootstrapped. Every test gets a copy.
var bootstrapped = struct {
	sync.Once
	dir string
	err error
}{}

// TestMain keeps what the machine says of AWS out: every test has a cloud of
// its own, and they run at once, most of them waiting.
func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	for _, entry := range (awssim.Credentials{}).Env("", "eu-west-1") {
		if name, value, _ := strings.Cut(entry, "="); value != "" {
			_ = os.Setenv(name, value)
		}
	}
	code := m.Run()
	_ = os.RemoveAll(bootstrapped.dir)
	os.Exit(code)
}

func bootstrap() (string, error) {
	dir, err := os.MkdirTemp("", "bootstrapped-")
	if err != nil {
		return "", err
	}
	sim, err := awssim.New(awssim.Options{Dir: dir})
	if err != nil {
		return dir, err
	}
	for _, place := range [][]string{{dev, "eu-west-1"}, {dev, "us-east-1"}, {prod, "eu-central-1"}, {prod, "us-east-1"}} {
		sim.AddAccount(place[0])
		err = errors.Join(err, sim.MakeBootstrap(place[0], place[1], "hnb659fds", dev))
	}
	return dir, errors.Join(err, sim.Close())
}

// world is a simulated cloud with two bootstrapped accounts, and a workspace with the test's CDK app.
type world struct {
	*awssim.Server
	t        *testing.T
	source   string
	stored   *buckettest.Memory // the artifact bucket
	mu       sync.Mutex
	log, out bytes.Buffer
	stdout   bytes.Buffer
	events   []progress.Event
	onEvent  func(progress.Event)
	fetch    func() error
	// workspace returns the copies that a check uses; nil is source each time.
	workspace engine.Copy
	workflow  string // name of the run; "" for a call by hand
	looksOnly bool   // whether a check has no access but by lookup roles
	runner    command.Runner
}

func newWorld(t *testing.T, tune ...func(*cloudformation.Options)) *world {
	t.Helper()
	bootstrapped.Do(func() { bootstrapped.dir, bootstrapped.err = bootstrap() })
	require.NoError(t, bootstrapped.err)
	state := filepath.Join(t.TempDir(), "cloud")
	require.NoError(t, os.CopyFS(state, os.DirFS(bootstrapped.dir)))
	var options cloudformation.Options
	for _, change := range tune {
		change(&options)
	}
	sim, err := awssim.New(awssim.Options{Dir: state, Stacks: options})
	require.NoError(t, err)
	_, err = sim.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	w := &world{Server: sim, t: t, source: assemblytest.App(t, "testdata/app"), stored: buckettest.New(nil), workflow: "run-1", runner: proc.Runner{}}
	w.configure(`
  - name: dev
    account: "111111111111"
    region: eu-west-1
    stacks: [{name: Data}, {name: Api}, {name: Edge}]
  - name: prod
    account: "222222222222"
    region: eu-central-1
    concurrency: 3
    stacks: [{name: Data}, {name: Api}, {name: Edge}]
`)
	return w
}

func (w *world) configure(environments string) {
	w.write("aphex-config.yaml", "version: \"1.0\"\nenvironments:"+environments)
}

func (w *world) write(name, text string) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(w.source, name), []byte(text), 0o644))
}

// shape changes what the app defines.
func (w *world) shape(name string) { w.write("shape", name) }

// validated lets the app enforce the CDK's own rules, whose validation takes seconds of
// work each time.
func (w *world) validated() {
	w.write("cdk.json", `{"app": "node app.js", "context": {"@aws-cdk/core:enablePartitionLiterals": true, "@aws-cdk/core:defaultCrossStackReferences": "strong",
		"@aws-cdk/core:validateAgainstDefaultRules": true}}`)
}

// base is the configuration of dev's administrator, as account.Load gives it.
func (w *world) base(ctx context.Context) (aws.Config, error) {
	base, err := awsauth.Load(ctx, "eu-west-1")
	key, url := w.AddAccount(dev), w.URL()
	base.BaseEndpoint, base.Credentials = &url, static.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")
	return base, err
}

// artifacts is the artifact bucket of a world.
type artifacts struct {
	*buckettest.Memory
	w *world
}

func (a artifacts) Fetch(context.Context, string, string, string, command.Selection) error {
	return a.w.fetch()
}

func (w *world) deps() deploy.Deps {
	return deploy.Deps{
		Engine: engine.Engine{
			Runner: w.runner,
			Assume: func(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error) {
				base, err := w.base(ctx)
				if err != nil {
					return nil, err
				}
				return awsauth.Assume(ctx, base, to, log)
			},
		},
		Bucket: artifacts{w.stored, w}, Key: clients.ProvenanceKey,
		Progress: progress.Options{Report: func(e progress.Event) {
			w.events = append(w.events, e)
			if w.onEvent != nil {
				w.onEvent(e)
			}
		}},
	}
}

// locked is a writer for many goroutines.
type locked struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
}

// byHand calls the stage as a person does, who names no run.
func (w *world) byHand(env string) (deploy.Output, error) {
	w.workflow = ""
	defer func() { w.workflow = "run-1" }()
	return w.run(env)
}

// run deploys an environment of the workspace.
func (w *world) run(env string, change ...func(*deploy.Input)) (deploy.Output, error) {
	return w.runIn(w.t.Context(), env, change...)
}

func (w *world) runIn(ctx context.Context, env string, change ...func(*deploy.Input)) (deploy.Output, error) {
	in := deploy.Input{Environment: env, Config: "aphex-config.yaml", Limit: patience, Workspace: bucket.Workspace{Commit: commit, Source: w.source, Bucket: "artifacts"}}
	for _, c := range change {
		c(&in)
	}
	require.NoError(w.t, in.Validate())
	w.log.Reset()
	w.out.Reset()
	w.stdout.Reset()
	w.events = nil
	frame := stage.Frame{
		Log: slog.New(slog.NewTextHandler(locked{&w.mu, &w.log}, nil)), Out: locked{&w.mu, &w.out}, Stdout: locked{&w.mu, &w.stdout}, Redactor: redact.New(), Workflow: w.workflow,
	}
	d := w.deps()
	d.Bucket = buckettest.Opened(d.Bucket, in.Bucket, in.ArtifactDir)
	return deploy.Run(ctx, d, frame, in)
}

// synthesizeInto runs the workspace's CDK app for dev.
func (w *world) synthesizeInto(out string) {
	w.t.Helper()
	cmd := exec.Command("node", "app.js")
	cmd.Dir = w.source
	cmd.Env = append(os.Environ(), "CDK_OUTDIR="+out, "CDK_DEFAULT_ACCOUNT="+dev, "CDK_DEFAULT_REGION=eu-west-1", "ENVIRONMENT_NAME=dev", "CDK_VALIDATION=false", `CDK_CONTEXT_JSON={"aws:cdk:bundling-stacks":["**"]}`)
	output, err := cmd.CombinedOutput()
	require.NoError(w.t, err, string(output))
}

// makeRole makes an administrator's role in an account that trusts dev with an external id.
func (w *world) makeRole(in, name, externalID string) {
	w.t.Helper()
	credentials := w.AddAccount(in)
	template := fmt.Sprintf(`{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":%q,
		"ManagedPolicyArns":["arn:aws:iam::aws:policy/AdministratorAccess"],
		"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],
		"Principal":{"AWS":"arn:aws:iam::%s:root"},"Condition":{"StringEquals":{"sts:ExternalId":%q}}}]}}}}}`, name, dev, externalID)
	url := w.URL()
	api := cfn.NewClient(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &url,
		Credentials: static.NewStaticCredentialsProvider(credentials.AccessKeyID, credentials.SecretAccessKey, ""),
	})
	_, err := cfn.Deploy(w.t.Context(), api, cfn.Goal{Name: "Role", Template: []byte(template)}, cfn.Options{})
	require.NoError(w.t, err)
}

// actions gives what became of each stack.
func actions(out deploy.Output) map[string]string {
	all := map[string]string{}
	for _, s := range out.Summary.Stacks {
		all[s.Stack] = s.Action
	}
	return all
}
