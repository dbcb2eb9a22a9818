package main

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

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/synth"
)

// world is what the comparisons of deployments share: the programs, and a
// simulated cloud that the CDK CLI has bootstrapped, kept as a folder.
type world struct {
	log      *slog.Logger
	scratch  string
	deployer string
	modules  string // node_modules with the CDK CLI
	cloud    string // state of the bootstrapped cloud
}

// bootstrapRegions are those that the apps deploy to.
var bootstrapRegions = []string{region, "us-east-1"}

func newWorld(ctx context.Context, log *slog.Logger, o options, scratch string) (*world, error) {
	deployer, err := filepath.Abs(filepath.Join(o.bin, "deployer"))
	if err != nil {
		return nil, fmt.Errorf("finding the deployer: %w", err)
	}
	modules, err := filepath.Abs(filepath.Join(o.app, "node_modules"))
	if err != nil {
		return nil, fmt.Errorf("finding the CDK CLI: %w", err)
	}
	w := &world{log: log, scratch: scratch, deployer: deployer, modules: modules, cloud: filepath.Join(scratch, "bootstrapped")}
	return w, w.bootstrap(ctx)
}

// bootstrap prepares the cloud that each run gets a copy of, once.
func (w *world) bootstrap(ctx context.Context) error {
	if _, err := os.Stat(w.cloud); err == nil {
		return nil
	}
	w.log.Info("bootstrapping a simulated account")
	args := []string{"bootstrap"}
	for _, region := range bootstrapRegions {
		args = append(args, "aws://"+account+"/"+region)
	}
	return w.inCloud(w.cloud, cloudformation.Options{}, func(sim *awssim.Server) error {
		_, err := watch(ctx, w.cdk(sim, w.scratch, args...), false)
		return err
	})
}

// inCloud works with a cloud whose state is kept in the folder.
func (w *world) inCloud(state string, o cloudformation.Options, work func(*awssim.Server) error) error {
	sim, err := awssim.New(awssim.Options{Dir: state, Stacks: o})
	if err != nil {
		return err
	}
	if _, err := sim.Start(); err != nil {
		return errors.Join(err, sim.Close())
	}
	return errors.Join(work(sim), sim.Close())
}

// cdk is the real CDK CLI, in a folder.
func (w *world) cdk(sim *awssim.Server, dir string, args ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(w.modules, ".bin", "cdk"), append(args, "--no-notices", "--no-color")...)
	command.Dir = dir
	command.Env = append(w.environ(sim), "CDK_DISABLE_CLI_TELEMETRY=true")
	return command
}

// deploy is our deployer with the environment of the configuration in the folder. The shop calls it dev by
// default, as under the CDK CLI.
func (w *world) deploy(sim *awssim.Server, dir string, args ...string) *exec.Cmd {
	command := exec.Command(w.deployer, append([]string{
		"environment", "--source", dir, "--environment", "dev", "--commit", strings.Repeat("0", 40), "--log-format", "json",
	}, args...)...)
	command.Dir, command.Env = dir, w.environ(sim)
	return command
}

// environ is the same environment for both, with a home of its own.
func (w *world) environ(sim *awssim.Server) []string {
	return append(sim.AddAccount(account).Over(os.Environ(), sim.URL(), region), "CI=true", "HOME="+w.scratch)
}

// app is a CDK app in a folder of its own.
type app struct {
	dir      string
	assembly *assembly.Assembly
	seconds  float64 // that the app alone takes to be synthesized
}

// app copies a CDK app into a folder with our configuration, and synthesizes it
// a few times, which shows what it synthesizes and how long that takes alone.
func (w *world) app(ctx context.Context, from string, parts ...string) (*app, error) {
	a := &app{dir: filepath.Join(w.scratch, "apps", filepath.Base(from))}
	if err := os.RemoveAll(a.dir); err != nil {
		return nil, err
	}
	for _, part := range append(parts, "cdk.json") {
		if err := copyTo(filepath.Join(a.dir, part), filepath.Join(from, part)); err != nil {
			return nil, fmt.Errorf("copying the app: %w", err)
		}
	}
	if err := os.Symlink(w.modules, filepath.Join(a.dir, "node_modules")); err != nil {
		return nil, err
	}
	if err := a.synthesize(ctx, filepath.Join(w.scratch, "out")); err != nil {
		return nil, err
	}
	return a, a.configure()
}

// copyTo copies a file or a folder.
func copyTo(to, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode())
}

const synthesesOfApp = 3

func (a *app) synthesize(ctx context.Context, out string) (err error) {
	var seconds []float64
	env := append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true")
	for range synthesesOfApp {
		once, err := timed(func(ctx context.Context) error {
			a.assembly, err = synth.Synthesize(ctx, synth.Options{Runner: proc.Runner{}, App: a.dir, Out: out, Account: account, Region: region, Env: env})
			return err
		})(ctx)
		if err != nil {
			return err
		}
		seconds = append(seconds, once)
	}
	a.seconds = median(seconds)
	return nil
}

// configure writes our configuration: all stacks of the app, in its order.
func (a *app) configure() error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "version: \"1.0\"\nenvironments:\n  - {name: dev, account: %q, region: %s, stacks: [\n", account, region)
	for _, stack := range a.assembly.Stacks {
		fmt.Fprintf(&text, "      {name: %q, path: cdk.json},\n", stack.Name)
	}
	text.WriteString("    ]}\n")
	return os.WriteFile(filepath.Join(a.dir, "aphex-config.yaml"), text.Bytes(), 0o644)
}
