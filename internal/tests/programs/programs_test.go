// Package programs_test runs the programs as their users do. The scripts in
// testdata/script are their manual.
package programs_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// TestPrograms builds the five programs and runs the scripts with them in PATH.
func TestPrograms(t *testing.T) {
	p := params(t, build(t))
	p.Dir = "testdata/script"
	testscript.Run(t, p)
}

// params are the parameters of scripts: the programs are in PATH, and the folder app has the app.
func params(t *testing.T, bin string) testscript.Params {
	t.Helper()
	app, err := filepath.Abs("testdata/app")
	require.NoError(t, err)
	return testscript.Params{
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(os.PathListSeparator)+cdk(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("GIT_CONFIG_GLOBAL", "/dev/null")
			env.Setenv("NO_COLOR", "1")
			env.Setenv("COMMIT", "0123456789012345678901234567890123456789")
			for _, who := range []string{"AUTHOR", "COMMITTER"} {
				env.Setenv("GIT_"+who+"_NAME", "test")
				env.Setenv("GIT_"+who+"_EMAIL", "test@example.com")
			}
			return os.CopyFS(filepath.Join(env.WorkDir, "app"), os.DirFS(app))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"commit": commit, "accounts": accounts(t, bin), "exits": exits,
		},
		RequireExplicitExec: true,
	}
}

// programs is the folder with the programs, which all tests share.
var programs struct {
	sync.Once
	dir string
	err error
}

// build makes the programs as a release is made, once for all tests.
func build(t *testing.T) string {
	t.Helper()
	p := &programs
	p.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "programs-"); p.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", p.dir+"/", "../../../cmd/...").CombinedOutput(); err != nil {
			p.err = fmt.Errorf("building the programs: %w\n%s", err, out)
		}
	})
	require.NoError(t, p.err)
	return p.dir
}

// cdk returns the folder of the real CDK CLI, for apps that look things up.
func cdk(t *testing.T) string {
	dir, err := filepath.Abs("../../../examples/shop/node_modules/.bin")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "cdk"), "the example's packages are not installed: make test installs them")
	return dir
}

// commit [DIR] commits everything in a folder, making a repository of it first.
func commit(ts *testscript.TestScript, _ bool, args []string) {
	dir := ts.MkAbs("app")
	if len(args) > 0 {
		dir = ts.MkAbs(args[0])
	}
	for _, words := range [][]string{{"-c", "init.defaultBranch=main", "init", "-q"}, {"add", "-A"}, {"commit", "-q", "--allow-empty", "-m", "Change"}} {
		ts.Check(ts.Exec("git", append([]string{"-C", dir}, words...)...))
	}
}

// accounts gives the script a copy of a state folder whose simulated accounts
// are bootstrapped already; bootstrapping itself is done once for all tests.
func accounts(t *testing.T, bin string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, _ []string) {
		ts.Check(copyState(t, bin, ts.MkAbs("state")))
	}
}

// bootstrapped is the state folder that all tests copy.
var bootstrapped struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *update {
		_ = flag.Set("test.run", "^TestThe.*Page") // the flag exists
	}
	code := m.Run()
	_ = os.RemoveAll(bootstrapped.dir)
	_ = os.RemoveAll(programs.dir)
	os.Exit(code)
}

// copyState makes a state folder with bootstrapped accounts.
func copyState(t *testing.T, bin, state string) error {
	b := &bootstrapped
	b.Do(func() {
		if b.dir, b.err = os.MkdirTemp("", "bootstrapped-"); b.err == nil {
			b.err = bootstrap(t, bin, b.dir)
		}
	})
	if b.err != nil {
		return b.err
	}
	return os.CopyFS(state, os.DirFS(b.dir))
}

// bootstrap runs a pipeline once that stops at its build: the accounts are
// bootstrapped by then.
func bootstrap(t *testing.T, bin, state string) error {
	app := t.TempDir()
	if err := os.CopyFS(app, os.DirFS("testdata/app")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(app, "build.sh"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
		return err
	}
	script := `git init -q -b main && git add -A && git -c user.name=t -c user.email=t@example.com commit -q -m Start &&
		generator run --state ` + state
	run := exec.Command("sh", "-c", script)
	run.Dir = app
	run.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	if out, err := run.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("the run stopped at build")) {
		return fmt.Errorf("bootstrapping the simulated accounts: %w\n%s", err, out)
	}
	return os.RemoveAll(filepath.Join(state, "objects"))
}

// exits CODE COMMAND... runs a command that must end with exactly that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%s: %v", args[1], err)
	}
	if fmt.Sprint(code) != args[0] {
		ts.Fatalf("%s ended with exit code %d, not %s", args[1], code, args[0])
	}
}
