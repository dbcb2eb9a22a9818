package recipes

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aphex/aphex-pipeline/e2e/node"
	"github.com/aphex/aphex-pipeline/e2e/world"
)

const (
	home  = "111111111111"
	other = "222222222222"
)

var (
	images   = flag.String("images", "../../bin/images", "folder with the archives of the stages' images")
	document = flag.String("document", "../../docs/operations.md", "the document with the recipes")
	shop     = flag.String("app", "../../examples/shop", "the app, with its packages installed")
)

// platform is an engine with all services around it.
type platform struct {
	work   string
	engine *node.Engine
	world  *world.World
	ca     []byte
}

var shared platform

func TestMain(m *testing.M) {
	flag.Parse()
	nothing := func() {}
	os.Exit(node.Tests{
		Prepare: func() error { return nil }, Up: shared.open, Failed: nothing, Down: shared.close,
	}.Main(m.Run))
}

// open starts everything: the engine with the images, AWS with bootstrapped accounts, and
// the npm registry.
func (p *platform) open(ctx context.Context, work string) error {
	p.work = work
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
