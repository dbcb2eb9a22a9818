package deploy_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	engine "github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// check looks at every environment of the workspace.
// found is what a look at every environment finds.
type found struct {
	engine.Checked
	Removed []stage.RemovedStack
}

func (w *world) check() (found, error) { return w.checkWith(w.deps()) }

func (w *world) checkWith(d deploy.Deps) (found, error) { return w.checkBefore(d, false) }

// checkBefore checks before the pipeline updates itself, or where it does not.
func (w *world) checkBefore(d deploy.Deps, updates bool) (found, error) {
	w.t.Helper()
	cfg, err := config.Load(filepath.Join(w.source, "aphex-config.yaml"))
	require.NoError(w.t, err)
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(locked{&w.mu, &w.log}, nil)), Out: locked{&w.mu, &w.out}, Redactor: redact.New(), Workflow: "run-1"}
	workspace := w.workspace
	if workspace == nil {
		workspace = func(ctx context.Context, to command.Files) (string, error) { return w.source, to.Send(ctx, w.source) }
	}
	checked, removed, err := deploy.Check(w.t.Context(), d, frame, engine.CheckRequest{
		Config: cfg, Commit: commit, Scratch: w.t.TempDir(), Limit: time.Minute, Updates: updates, LooksOnly: w.looksOnly, Workspace: workspace,
	})
	return found{checked, removed}, err
}

func TestEveryEnvironmentIsCheckedBeforeOneIsTouched(t *testing.T) {
	w := newWorld(t)
	w.ForgetCalls()
	for name, c := range map[string]struct {
		environments string
		says         []string
		kind         errs.Kind
	}{
		"a misspelt stack": {
			`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}
  - {name: prod, account: "222222222222", region: eu-central-1, stacks: [{name: Dtaa}]}
`, []string{`environment prod: `, `no stack "Dtaa"`}, errs.Invalid,
		},
		"several mistakes": {
			`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Date}]}
  - {name: eu, account: "222222222222", region: eu-central-1, stacks: [{name: Data}]}
  - {name: prod, account: "222222222222", region: eu-central-1, stacks: [{name: Date}]}
  - {name: us, account: "333333333333", region: us-west-2, stacks: [{name: Egde}]}
`, []string{"3 of 4 environments cannot be deployed:", "\n  dev, prod: ", `"Date"`, "\n  us: ", `"Egde"`, "did you mean"}, errs.Invalid,
		},
	} {
		w.configure(c.environments)
		_, err := w.check()
		require.Error(t, err, name)
		for _, text := range c.says {
			assert.Contains(t, err.Error()+" "+errs.HintOf(err), text, name)
		}
		assert.Equal(t, c.kind, errs.KindOf(err), name)
	}
	for call := range w.Calls() {
		assert.NotRegexp(t, "ChangeSet|PutObject", call)
	}
}

// TestAnEnvironmentIsCheckedWhileTheNextCopyOfTheWorkspaceIsMade lets the second copy wait for the first synthesis.
func TestAnEnvironmentIsCheckedWhileTheNextCopyOfTheWorkspaceIsMade(t *testing.T) {
	w := newWorld(t)
	w.write("cdk.json", `{"app": "node app.js && touch synthesized", "context": {"@aws-cdk/core:enablePartitionLiterals": true, "@aws-cdk/core:defaultCrossStackReferences": "strong"}}`)
	made := 0
	w.workspace = func(context.Context, command.Files) (string, error) {
		if made++; made > 1 {
			assert.Eventually(t, func() bool {
				_, err := os.Stat(filepath.Join(w.source, "synthesized"))
				return err == nil
			}, time.Minute, 10*time.Millisecond, "nothing is synthesized meanwhile")
		}
		return w.source, nil
	}
	_, err := w.check()
	require.NoError(t, err)
	assert.LessOrEqual(t, made, runtime.GOMAXPROCS(0), "a copy is used again")
}

func TestAWorkspaceThatCannotBeFetchedIsTheProblemOfNoEnvironment(t *testing.T) {
	w := newWorld(t)
	gone := errs.Temporaryf("the bucket does not answer")
	w.workspace = func(context.Context, command.Files) (string, error) { return "", gone }
	_, err := w.check()
	assert.Equal(t, gone, err)
}

func TestStacksThatNoEnvironmentDeploysAreNamed(t *testing.T) {
	w := newWorld(t)
	w.configure(`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}
  - {name: prod, account: "222222222222", region: eu-central-1, stacks: [{name: Data}, {name: Edge}]}
`)
	checked, err := w.check()
	require.NoError(t, err)
	assert.Equal(t, []string{"Api"}, checked.Undeployed)
}

func TestAStackOfTwoEnvironmentsIsRefusedByName(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.MakeBootstrap(dev, "eu-central-1", "hnb659fds", dev))
	require.NoError(t, w.MakeBootstrap(prod, "eu-west-1", "hnb659fds", dev))
	for name, c := range map[string]struct {
		environments string
		says         string
	}{
		"the same stack": {`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}
  - {name: test, account: "111111111111", region: eu-west-1, stacks: [{name: Data}, {name: Api}]}
`, "Data in 111111111111 eu-west-1 is in the environments dev and test"},
		"one that has a region of its own": {`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Edge}]}
  - {name: eu, account: "111111111111", region: eu-central-1, stacks: [{name: "*"}]}
`, "Edge in 111111111111 us-east-1 is in the environments dev and eu"},
		"other stacks of one place": {`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}
  - {name: test, account: "111111111111", region: eu-west-1, stacks: [{name: Edge}]}
`, ""},
		"the same stack in another account": {`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}
  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Data}]}
`, ""},
	} {
		w.configure(c.environments)
		_, err := w.check()
		if c.says == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.says, name)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), name)
		assert.Contains(t, errs.HintOf(err), "ENVIRONMENT_NAME", name)
	}
}

func TestAnAppThatFailsForOneEnvironmentIsFoundWithItsOutput(t *testing.T) {
	w := newWorld(t)
	app, err := os.ReadFile(filepath.Join(w.source, "app.js"))
	require.NoError(t, err)
	w.write("app.js", "if (process.env.ENVIRONMENT_NAME === 'prod') { console.error('no settings for prod'); process.exit(7) }\n"+string(app))
	_, err = w.check()
	require.ErrorContains(t, err, "environment prod: ")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, err.Error()+errs.HintOf(err), "no settings for prod")
	assert.False(t, strings.Contains(w.out.String(), "no settings"), "the deployment shows what the app prints")
}

func TestADockerWithoutADaemonIsFoundBeforeAnythingIsDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.shape("image")
	program := filepath.Join(w.source, "docker")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n"), 0o755))
	require.NoError(t, os.Mkdir(filepath.Join(w.source, "image"), 0o755))
	w.write("image/Dockerfile", "FROM scratch\n")
	w.configure(`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}, {name: Api}], env: {CDK_DOCKER: ` + program + `}}
`)
	w.ForgetCalls()
	_, checked := w.check()
	_, deployed := w.run("dev")
	for _, err := range []error{checked, deployed} {
		require.ErrorContains(t, err, "cannot reach its daemon: Cannot connect to the Docker daemon")
		assert.ErrorContains(t, err, "the image Image must be built")
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), "DOCKER_HOST")
	}
	for call := range w.Calls() {
		assert.NotRegexp(t, "ChangeSet|PutObject", call)
	}
}

func TestAParameterWithoutAValueIsFoundBeforeAnEnvironmentIsTouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	app, err := os.ReadFile(filepath.Join(w.source, "app.js"))
	require.NoError(t, err)
	w.write("app.js", string(app)+"\nnew cdk.CfnParameter(data, 'Email');\n")
	configure := func(prod string) {
		w.configure(`
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}], parameters: {Email: a@example.com}}
  - {name: prod, account: "222222222222", region: eu-central-1, stacks: [{name: Data}]` + prod + `}
`)
	}
	configure("")
	_, err = w.check()
	require.ErrorContains(t, err, "environment prod: ")
	assert.ErrorContains(t, err, `Email`)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))

	configure(", parameters: {Email: b@example.com}")
	_, err = w.check()
	require.NoError(t, err)
	_, err = w.run("prod")
	require.NoError(t, err, w.log.String())
	configure("")
	_, err = w.check()
	assert.NoError(t, err, "the stack has a value")
}

// refusals are environments that cannot be deployed to as their accounts are.
var refusals = map[string]struct {
	environment, shape string
	says, hint         string
}{
	"an account that lets nobody in": {
		`{name: new, account: "333333333333", region: eu-west-1, stacks: [{name: Data}]}`, "",
		"accessing environment new (account 333333333333, eu-west-1)", "bootstrap account 333333333333",
	},
	"a role that is not there": {
		`{name: new, account: "222222222222", region: eu-central-1, roleArn: "arn:aws:iam::222222222222:role/Missing", stacks: [{name: Data}]}`, "",
		"role/Missing", "the role exists",
	},
	"a region that is not bootstrapped": {
		`{name: new, account: "111111111111", region: ap-southeast-2, stacks: [{name: Data}]}`, "",
		"account 111111111111 is not bootstrapped in ap-southeast-2", "cdk bootstrap aws://111111111111/ap-southeast-2",
	},
	"a role of the app": {
		`{name: new, account: "222222222222", region: eu-central-1, stacks: [{name: Data}]}`, "own deploy role",
		"role/MyDeployRole", "",
	},
}

func TestAnAccountThatCannotBeDeployedToIsFoundBeforeAnEnvironmentIsTouched(t *testing.T) {
	t.Parallel()
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.shape(c.shape)
			w.configure("\n  - " + `{name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Data}]}` + "\n  - " + c.environment + "\n")
			_, err := w.check()
			require.ErrorContains(t, err, "environment new: ")
			assert.ErrorContains(t, err, c.says)
			assert.Contains(t, errs.HintOf(err), c.hint)
			assert.Equal(t, errs.Invalid, errs.KindOf(err))

			checked, err := w.checkBefore(w.deps(), true)
			require.NoError(t, err, "the pipeline may be granted it yet")
			assert.Len(t, checked.Selections[1].Stacks, 1)
			assert.NoError(t, checked.Access(t.Context(), []string{"dev"}))
			again := checked.Access(t.Context(), nil)
			require.ErrorContains(t, again, c.says)
			assert.Equal(t, errs.Invalid, errs.KindOf(again))
		})
	}
}

func TestAnAccountThatTheUpdateGrantsAccessToIsDeployedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(`
  - {name: new, account: "333333333333", region: eu-west-1, stacks: [{name: Data}]}
  - {name: region, account: "111111111111", region: ap-southeast-2, stacks: [{name: Data}]}
  - {name: never, account: "444444444444", region: eu-west-1, stacks: [{name: Data}]}
`)
	checked, err := w.checkBefore(w.deps(), true)
	require.NoError(t, err)
	require.ErrorContains(t, checked.Access(t.Context(), nil), "3 of 3 environments cannot be deployed:")
	w.AddAccount("333333333333")
	require.NoError(t, w.MakeBootstrap("333333333333", "eu-west-1", "hnb659fds", dev))
	require.NoError(t, w.MakeBootstrap(dev, "ap-southeast-2", "hnb659fds", dev))
	assert.NoError(t, checked.Access(t.Context(), []string{"new", "region"}))
	assert.ErrorContains(t, checked.Access(t.Context(), nil), "environment never: ")
}
