package recipes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aphex/aphex-pipeline/e2e/node"
	"github.com/aphex/aphex-pipeline/e2e/world"
)

// cannot is the exit status on a machine that cannot run an engine.
const cannot = 3

const workVariable = "APHEX_E2E_WORK"

const (
	home  = "111111111111"
	other = "222222222222"
)

var (
	images = flag.String("images", "../../bin/images", "folder with the archives of the stages' images")
	readme = flag.String("readme", "../../README.md", "the document with the recipes")
	shop   = flag.String("app", "../../examples/shop", "the app, with its packages installed")
)

// platform is an engine in its world.
type platform struct {
	work   string
	engine *node.Engine
	world  *world.World
	ca     []byte
}

var shared platform

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if problems := node.Problems(); len(problems) > 0 {
		fmt.Fprintln(os.Stderr, "e2e: this machine cannot run the images:\n  "+strings.Join(problems, "\n  "))
		return cannot
	}
	work := os.Getenv(workVariable)
	if work == "" {
		made, err := os.MkdirTemp("", "aphex-e2e-")
		if err = errors.Join(err, os.Chmod(made, 0o711), os.Setenv(workVariable, made)); err != nil {
			fmt.Fprintln(os.Stderr, "e2e:", err)
			return 1
		}
		work = made
		defer os.RemoveAll(work)
	}
	if inside, status := node.Isolated(work, node.EngineGroup); !inside {
		return status
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	shared.work = work
	defer shared.close()
	if err := shared.open(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	status := make(chan int)
	go func() { status <- m.Run() }()
	select {
	case code := <-status:
		return code
	case <-ctx.Done():
		return 130
	}
}

// open starts everything: the engine with the images, AWS with accounts that
// are bootstrapped, and the npm registry.
func (p *platform) open(ctx context.Context) error {
	var err error
	if p.engine, err = node.StartEngine(ctx, filepath.Join(p.work, "engine"), user); err != nil {
		return err
	}
	for _, stage := range []string{"validator", "builder", "deployer", "tester"} {
		if err := p.engine.Load(ctx, filepath.Join(*images, stage+".tar"), "public.ecr.aws/aphex/"+stage); err != nil {
			return fmt.Errorf("%w (make images builds them)", err)
		}
	}
	authority, err := node.NewAuthority()
	if err != nil {
		return err
	}
	own, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	p.ca = authority.PEM
	p.world, err = world.Start(ctx, world.Options{
		Dir: filepath.Join(p.work, "world"), Address: node.Address, Authority: authority,
		NPMCache: filepath.Join(own, ".npm", "_cacache"), LockFile: filepath.Join(*shop, "package-lock.json"),
	})
	if err != nil {
		return err
	}
	cdk, err := filepath.Abs(filepath.Join(*shop, "node_modules/.bin/cdk"))
	if err != nil {
		return err
	}
	return errors.Join(p.world.Bootstrap(ctx, cdk, home, home, "eu-west-1", "us-east-1"),
		p.world.Bootstrap(ctx, cdk, other, home, "eu-central-1", "us-east-1"))
}

func (p *platform) close() {
	if p.world != nil {
		p.world.Stop()
	}
	if p.engine != nil {
		p.engine.Stop()
	}
}
