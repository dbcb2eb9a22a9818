package planning_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/planning"
)

const commit = "0123456789012345678901234567890123456789"

// world is a stage in accounts that nobody has access to.
type world struct {
	stored      *buckettest.Memory
	out, stdout bytes.Buffer
	log         bytes.Buffer
	checkout    checkout.Options
	// comments are those of the pull requests by their numbers and markers, and refuses is why
	// there are none.
	comments map[string]string
	refuses  error
}

// Comment writes the comment of a pull request.
func (w *world) Comment(_ context.Context, number int, named, markdown string) error {
	if w.comments == nil {
		w.comments = map[string]string{}
	}
	w.comments[fmt.Sprint(number, " ", named)] = markdown
	return nil
}

// run plans a repository with a build section.
func (w *world) run(t *testing.T, build string, change ...func(*planning.Input)) (planning.Output, error) {
	t.Helper()
	dir := t.TempDir()
	text := "version: \"1.0\"\nbuild: " + build + `
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
  - {name: own, account: "222222222222", region: eu-west-1, roleArn: "arn:aws:iam::222222222222:role/own", stacks: [{name: Api}]}
`
	require.NoError(t, os.WriteFile(filepath.Join(dir, config.File), []byte(text), 0o600))
	w.stored = buckettest.New(nil)
	in := planning.Input{
		Commit: commit, Repository: "https://github.com/my-org/my-app.git", Branch: "feature", Host: "github.com", Config: config.File, Bucket: "artifacts", Limit: time.Minute,
	}
	for _, c := range change {
		c(&in)
	}
	require.NoError(t, in.Validate())
	d := planning.Deps{
		Engine: deploy.Engine{
			Runner: proc.Runner{},
			Assume: func(_ context.Context, _ *slog.Logger, to awsauth.Target) (*awsauth.Access, error) {
				return nil, errs.Invalidf("no access to %s", to.Account).WithHint("ask a person")
			},
		},
		Bucket:     w.stored,
		Repository: func(context.Context) (planning.Commenter, error) { return w, w.refuses },
		Commits: checkout.Commits{
			Token: func(context.Context) (string, error) { return "ghp_secret", nil },
			CheckOut: func(_ context.Context, o checkout.Options) (checkout.Checkout, error) {
				w.checkout = o
				return checkout.Checkout{Commit: o.Commit}, os.CopyFS(o.Dir, os.DirFS(dir))
			},
		},
	}
	frame := stage.Frame{
		Log: slog.New(slog.NewTextHandler(&w.log, nil)), Out: &w.out, Stdout: &w.stdout, Redactor: redact.New(), Workflow: "my-app-check-x7k2p", Step: "plan",
	}
	return planning.Run(t.Context(), d, frame, in)
}

func TestPlansAreStoredBelowTheirRunAndPrinted(t *testing.T) {
	var w world
	out, err := w.run(t, "{commands: ['true']}")
	require.NoError(t, err, "an account that nobody approved is no fault of the commit")
	assert.True(t, out.Printed())
	assert.Equal(t, commit+"/_plans/my-app-check-x7k2p/plan.md", out.Plans)
	require.Len(t, out.Planned, 2)
	for _, s := range out.Planned {
		data, err := w.stored.Get(t.Context(), s.Key)
		require.NoError(t, err)
		var plan planned.Plan
		require.NoError(t, json.Unmarshal(data, &plan))
		assert.Equal(t, s.Environment, plan.Environment)
		digest, err := plan.Digest()
		require.NoError(t, err)
		assert.Equal(t, s.Digest, digest)
		assert.Equal(t, plan.Problem, s.Problem)
		assert.Contains(t, w.stdout.String(), "Plan for "+s.Environment+": ")
	}
	assert.Contains(t, out.Planned[0].Problem, "no access to 111111111111")
	comment, err := w.stored.Get(t.Context(), out.Plans)
	require.NoError(t, err)
	assert.Contains(t, string(comment), "| `own` | **not planned** |")
	assert.Contains(t, string(comment), "The whole plan: `"+commit+"/_plans/my-app-check-x7k2p`")
	assert.Equal(t, "ghp_secret", w.checkout.Token)
	assert.Equal(t, "feature", w.checkout.Branch)
}

func TestTheBuildOfAPullRequestGetsItsVariablesAndNoSecretOrRole(t *testing.T) {
	t.Setenv("AWS_SESSION_TOKEN", "of-the-pod")
	const build = `{commands: ['env | sort > $HOME/env', 'test -z "$NPM_TOKEN"'], env: {MODE: fast},
  roleArn: "arn:aws:iam::111111111111:role/build", secrets: {NPM_TOKEN: {secretsManager: shop/npm}}, cache: {paths: [x], key: [y]}}`
	home := t.TempDir()
	t.Setenv("HOME", home)
	var w world
	_, err := w.run(t, build)
	require.NoError(t, err, w.out.String())
	seen, err := os.ReadFile(filepath.Join(home, "env"))
	require.NoError(t, err)
	assert.Contains(t, string(seen), "\nMODE=fast\n")
	assert.Contains(t, string(seen), "COMMIT_SHA="+commit)
	for _, secret := range []string{"NPM_TOKEN", "ghp_secret", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS"} {
		assert.NotContains(t, string(seen), secret)
	}
	keys, err := w.stored.List(t.Context(), "")
	require.NoError(t, err)
	for _, key := range keys {
		assert.Contains(t, key, "/_plans/", "no artifact and no cache is stored")
	}
}

func TestABuildThatFailsIsTheFaultOfTheCommitUnlessItLacksSecrets(t *testing.T) {
	const fails, lacks = "{commands: ['exit 3']}", "{commands: ['exit 3'], secrets: {TOKEN: {secretsManager: shop/npm}}}"
	for name, c := range map[string]struct {
		build  string
		failOn []config.PlanReason
		failed bool
	}{
		"nothing is missing":               {fails, nil, true},
		"it lacks a secret":                {lacks, nil, false},
		"it could hide from what is asked": {lacks, []config.PlanReason{config.Destructive}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			out, err := w.run(t, c.build, func(in *planning.Input) { in.FailOn = c.failOn })
			assert.Equal(t, c.failed, err != nil, err)
			require.Len(t, out.Planned, 2)
			assert.Contains(t, out.Planned[0].Problem, "the build failed: ")
			assert.Equal(t, !c.failed, strings.Contains(w.log.String(), "gets neither build.roleArn nor build.secrets"))
			_, err = w.stored.Get(t.Context(), out.Plans)
			assert.NoError(t, err, "the plans say so")
		})
	}
}

func TestACommitHidesNoEnvironmentFromWhatItsCheckFailsFor(t *testing.T) {
	const own = "own=arn:aws:iam::222222222222:role/own"
	destructive := []config.PlanReason{config.Destructive}
	for name, c := range map[string]struct {
		failOn    []config.PlanReason
		unplanned []string
		says      string
	}{
		"nothing is asked":                          {nil, nil, ""},
		"the commit adds a role":                    {destructive, nil, "in dev and own, which"},
		"the installed pipeline has the role":       {destructive, []string{own}, "in dev, which"},
		"the commit gives the role to another one":  {destructive, []string{"dev=arn:aws:iam::222222222222:role/own"}, "in dev and own, which"},
		"the commit gives it another role":          {destructive, []string{own + "-former"}, "in dev and own, which"},
		"an account that nobody approved is no way": {destructive, []string{own, "dev="}, "in dev, which"},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			out, err := w.run(t, "{commands: ['true']}", func(in *planning.Input) { in.FailOn, in.Unplanned = c.failOn, c.unplanned })
			require.Len(t, out.Planned, 2, "the plans are there in any case")
			if c.says == "" {
				assert.NoError(t, err, "without failOn, the same commit passes")
				return
			}
			require.ErrorContains(t, err, "nobody knows what it changes "+c.says)
			assert.Equal(t, errs.Failed, errs.KindOf(err))
		})
	}
}

func TestAConfigurationOfAnotherDigestIsNotPlanned(t *testing.T) {
	var w world
	_, err := w.run(t, "{commands: ['true']}", func(in *planning.Input) { in.ConfigDigest = "sha256:" + strings.Repeat("0", 64) })
	require.Error(t, err)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	keys, err := w.stored.List(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, keys)
}

func TestExactlyOneWorkspaceIsPlanned(t *testing.T) {
	for _, in := range []planning.Input{
		{Commit: commit},
		{Commit: commit, Source: ".", Repository: "https://github.com/a/b.git", Host: "github.com"},
		{Commit: "abc", Source: "."},
		{Commit: commit, Repository: "https://evil.test/a/b.git", Host: "github.com"},
	} {
		assert.Equal(t, errs.Invalid, errs.KindOf(in.Validate()), in)
	}
	assert.NoError(t, planning.Input{Commit: commit, Source: "."}.Validate())
}

func TestThePlansAreShownAtTheirPullRequestAndNowhereElse(t *testing.T) {
	var w world
	at := func(in *planning.Input) { in.PullRequest, in.Pipeline = "7", "shop" }
	out, err := w.run(t, "{commands: ['true']}", at)
	require.NoError(t, err)
	require.NotEmpty(t, out.Plans)
	assert.Equal(t, map[string]string{"7 plan/shop": w.stored.Document(out.Plans)}, w.comments)

	var none world
	_, err = none.run(t, "{commands: ['true']}")
	require.NoError(t, err)
	assert.Empty(t, none.comments, "a run that is no check of a pull request")

	refused := world{refuses: errs.Failedf("the token ghp_secret may not comment").WithHint("grant it")}
	again, err := refused.run(t, "{commands: ['true']}", at)
	require.NoError(t, err, "the check ends as without it")
	assert.Equal(t, len(out.Planned), len(again.Planned))
	assert.Contains(t, refused.log.String(), "the plan is not shown at the pull request")
	assert.NotContains(t, refused.log.String(), "ghp_secret")
}

func TestWhatIsNoNumberOfAPullRequestIsRefused(t *testing.T) {
	for _, number := range []string{"0", "-1", "7.5", "7 ", "1e3", "{{=7}}", "12345678901"} {
		in := planning.Input{Commit: commit, Source: ".", PullRequest: number, Pipeline: "shop"}
		assert.Equal(t, errs.Invalid, errs.KindOf(in.Validate()), number)
	}
	assert.Error(t, planning.Input{Commit: commit, Source: ".", PullRequest: "7"}.Validate(), "without a pipeline")
	assert.NoError(t, planning.Input{Commit: commit, Source: ".", PullRequest: "7", Pipeline: "shop"}.Validate())
}
