package conformance_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
	"github.com/aphex/aphex-pipeline/internal/tests/conformance/clouds"
)

const (
	dev       = "111111111111"
	prod      = "222222222222"
	ireland   = "eu-west-1"
	frankfurt = "eu-central-1"
	virginia  = "us-east-1"
	qualifier = "shop12345" // of the app in apps/qualifier
	commit    = "0123456789abcdef0123456789abcdef01234567"
	patience  = 10 * time.Minute // for one program
)

// places are the bootstrapped environments.
var places = [][2]string{{dev, ireland}, {dev, virginia}, {prod, frankfurt}}

// all reports whether the slow tests run too.
func all() bool { return os.Getenv("CONFORMANCE") == "all" }

// prepared is what the tests share: the deployer, and a simulated cloud as a
// folder in which all places are bootstrapped.
var prepared struct {
	sync.Once
	dir, deployer, state string
	err                  error
}

// TestMain runs four tests in parallel unless -parallel is set: between
// its polls the CDK CLI mostly waits.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	flag.Parse()
	code := m.Run()
	_ = os.RemoveAll(prepared.dir)
	os.Exit(code)
}

func prepare(t *testing.T) {
	t.Helper()
	modules := assemblytest.NodeModules(t)
	prepared.Do(func() { prepared.err = makePrepared(modules) })
	require.NoError(t, prepared.err)
}

func makePrepared(modules string) error {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		return err
	}
	prepared.dir, prepared.deployer, prepared.state = dir, filepath.Join(dir, "deployer"), filepath.Join(dir, "state")
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", prepared.deployer, "../../../cmd/deployer")
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the deployer: %w: %s", err, output)
	}
	sim, err := awssim.New(awssim.Options{Dir: prepared.state})
	if err != nil {
		return err
	}
	if _, err := sim.Start(); err != nil {
		return err
	}
	bootstrapped := bootstrapAll(sim)
	if all() {
		bootstrapped = cdkBootstrapAll(sim, modules)
	}
	return errors.Join(bootstrapped, sim.Close())
}

// bootstrapAll has the simulator bootstrap all places, and one with the other
// qualifier, as cdkBootstrapAll does in a twentieth of the time. Package awssim
// holds that the CDK CLI finds its own bootstrap there.
func bootstrapAll(sim *awssim.Server) error {
	var failed error
	for _, place := range places {
		sim.AddAccount(place[0])
		failed = errors.Join(failed, sim.MakeBootstrap(place[0], place[1], "hnb659fds", dev))
	}
	return errors.Join(failed, sim.MakeBootstrap(dev, ireland, qualifier, dev))
}

// cdkBootstrapAll runs `cdk bootstrap` for all places, and once more with the other qualifier.
func cdkBootstrapAll(sim *awssim.Server, modules string) error {
	runs := [][]string{
		{dev, ireland, "aws://" + dev + "/" + ireland, "aws://" + dev + "/" + virginia},
		{prod, frankfurt, "aws://" + prod + "/" + frankfurt},
		{dev, ireland, "aws://" + dev + "/" + ireland, "--qualifier", qualifier, "--toolkit-stack-name", "CDKToolkit-" + qualifier},
	}
	var group sync.WaitGroup
	failed := make([]error, len(runs))
	for i, run := range runs {
		group.Go(func() {
			args := append([]string{
				"bootstrap", "--trust", dev, "--trust-for-lookup", dev,
				"--cloudformation-execution-policies", "arn:aws:iam::aws:policy/AdministratorAccess",
			}, run[2:]...)
			environment := sim.AddAccount(run[0]).Over(os.Environ(), sim.URL(), run[1])
			if output, err := cdkCommand(modules, prepared.dir, environment, args...); err != nil {
				failed[i] = fmt.Errorf("cdk bootstrap: %w: %s", err, output)
			}
		})
	}
	group.Wait()
	return errors.Join(failed...)
}

// cdkCommand runs the real CDK CLI.
func cdkCommand(modules, dir string, environment []string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, filepath.Join(modules, ".bin", "cdk"), append(args, "--no-notices", "--no-color")...)
	command.Dir = dir
	command.Env = append(environment, "CI=true", "CDK_DISABLE_CLI_TELEMETRY=true", "NODE_PATH="+modules, "HOME="+dir)
	output, err := command.CombinedOutput()
	return string(output), err
}

// cloud is a simulated cloud with bootstrapped accounts.
type cloud struct {
	*awssim.Server
	t       *testing.T
	environ []string // what programs find in their environment besides AWS's variables
}

func newCloud(t *testing.T) *cloud { return newCloudWith(t, cloudformation.Options{}) }

func newCloudWith(t *testing.T, options cloudformation.Options) *cloud {
	t.Helper()
	return newCloudAt(t, filepath.Join(t.TempDir(), "cloud"), options)
}

// newCloudAt is a cloud with its state in a folder; a new folder gets bootstrapped accounts.
func newCloudAt(t *testing.T, state string, options cloudformation.Options) *cloud {
	t.Helper()
	prepare(t)
	if _, err := os.Stat(state); err != nil {
		require.NoError(t, os.CopyFS(state, os.DirFS(prepared.state)))
	}
	sim, err := awssim.New(awssim.Options{Dir: state, Stacks: options})
	require.NoError(t, err)
	_, err = sim.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	return &cloud{Server: sim, t: t}
}

// programs is the environment of a program that works as dev's administrator.
func (c *cloud) programs() []string {
	return append(c.AddAccount(dev).Over(os.Environ(), c.URL(), ireland), c.environ...)
}

// cdk runs the real CDK CLI in an app's folder as dev's administrator.
func (c *cloud) cdk(app string, args ...string) (string, error) {
	return cdkCommand(assemblytest.NodeModules(c.t), app, c.programs(), args...)
}

// mustCDK is cdk that must succeed.
func (c *cloud) mustCDK(app string, args ...string) string {
	c.t.Helper()
	printed, err := c.cdk(app, args...)
	require.NoError(c.t, err, printed)
	return printed
}

// deployer runs our deployer's environment stage on an app's folder as dev's
// administrator and gives its exit code.
func (c *cloud) deployer(app string, args ...string) (printed string, code int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	output, err := c.deployment(ctx, app, args...).CombinedOutput()
	code, err = exitCode(err)
	require.NoError(c.t, err, string(output))
	return string(output), code
}

// deployment is a deployment of an app's folder as a process that is not started yet.
func (c *cloud) deployment(ctx context.Context, app string, args ...string) *exec.Cmd {
	return c.stage(ctx, app, append([]string{"--source", app}, args...)...)
}

// stage is the deployer's environment stage as a process that is not started yet.
func (c *cloud) stage(ctx context.Context, dir string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, prepared.deployer, append([]string{"environment", "--environment", "dev", "--commit", commit}, args...)...)
	command.Dir = dir
	command.Env = append(c.programs(), "CI=true", "HOME="+dir)
	return command
}

// as is the SDK configuration of an account's administrator.
func (c *cloud) as(account, region string) aws.Config {
	key := c.AddAccount(account)
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(c.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	}
}

// state is what deployments left in all places.
func (c *cloud) state() clouds.State {
	c.t.Helper()
	state, err := clouds.Read(c.t.Context(), c.Server, places, "hnb659fds", qualifier)
	require.NoError(c.t, err)
	return state
}
