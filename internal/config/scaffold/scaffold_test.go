package scaffold_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

var update = flag.Bool("update", false, "write the golden files")

const golden = "aphex-config.yaml"

// Each archive contains the folder of an app and its configuration.
func TestAnAppGetsAConfigurationThatLoads(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, archives)
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			require.NoError(t, err)
			sources, want := split(archive)
			app, err := scaffold.Inspect(write(t, sources), "")
			require.NoError(t, err)
			got := scaffold.Render(app)
			_, err = config.Parse(golden, got)
			require.NoError(t, err)
			if *update {
				archive.Files = append(sources, txtar.File{Name: golden, Data: got})
				require.NoError(t, os.WriteFile(file, txtar.Format(archive), 0o644))
				return
			}
			assert.Equal(t, want, string(got))
		})
	}
}

func TestCredentialsInARemoteAreLeftOut(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/typescript-app.txtar")
	require.NoError(t, err)
	sources, _ := split(archive)
	app, err := scaffold.Inspect(write(t, sources), "")
	require.NoError(t, err)
	assert.Equal(t, "my-org", app.Owner)
	assert.NotContains(t, string(scaffold.Render(app)), "hunter2")
}

func TestRegionsThatTheEnvironmentDoesNotReachByItsOwnAreListed(t *testing.T) {
	app := scaffold.App{Stacks: []scaffold.Stack{
		{Name: "Api", Account: "111111111111", Region: "eu-west-1"},
		{Name: "Data", Account: "111111111111", Region: "eu-west-1"},
		{Name: "Edge", Account: "111111111111", Region: "us-east-1"},
		{Name: "Copy", Account: "111111111111", Region: "eu-north-1"},
		{Name: "China", Account: "111111111111", Region: "cn-north-1"},
		{Name: "Copy2", Account: "111111111111", Region: "eu-north-1"},
		{Name: "Main", Account: "111111111111", Region: "eu-west-1"},
		{Name: "More", Account: "111111111111", Region: "eu-west-1"},
	}}
	cfg, err := config.Parse(golden, scaffold.Render(app))
	require.NoError(t, err)
	assert.Equal(t, []string{"eu-north-1"}, cfg.Environments[0].Regions)
}

func TestAFolderWithoutAnAppIsExplained(t *testing.T) {
	_, err := scaffold.Inspect(t.TempDir(), "")
	assert.ErrorContains(t, err, "there is no CDK app in")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "cdk init app")
}

func TestAChosenFolderWithoutAnAppIsExplained(t *testing.T) {
	empty, outside := t.TempDir(), t.TempDir()
	_, err := scaffold.Inspect(empty, outside)
	assert.EqualError(t, err, "there is no CDK app in "+outside+" of "+empty+"; it has no CDK app")
	app := write(t, []txtar.File{{Name: "infra/cdk.json", Data: []byte("{}")}})
	_, err = scaffold.Inspect(app, "other")
	assert.EqualError(t, err, "there is no CDK app in other of "+app+"; it has 1 CDK app: infra")
}

func TestABrokenAppIsExplained(t *testing.T) {
	dir := write(t, []txtar.File{{Name: "cdk.json", Data: []byte("{")}})
	_, err := scaffold.Inspect(dir, "")
	assert.ErrorContains(t, err, "cdk.json: it is not valid JSON")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
}

func TestTheRepositoryOfASubfolderIsFound(t *testing.T) {
	dir := write(t, []txtar.File{
		{Name: ".git/HEAD", Data: []byte("ref: refs/heads/main\n")},
		{Name: ".git/config", Data: []byte("[remote \"origin\"]\n\turl = ssh://git@github.com/my-org/shop\n")},
		{Name: "app/cdk.json", Data: []byte("{}")},
	})
	app, err := scaffold.Inspect(filepath.Join(dir, "app"), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"my-org", "shop", "main", "app"}, []string{app.Owner, app.Repo, app.Branch, app.Folder})
}

func TestTheHostOfGitHubEnterpriseServerIsWritten(t *testing.T) {
	for address, want := range map[string]string{
		"git@github.example.com:my-org/shop.git": "githubHost: github.example.com", "https://GitHub.example.com/my-org/shop": "githubHost: github.example.com",
		"git@github.com:my-org/shop.git": "", "https://github.com/my-org/shop": "",
	} {
		dir := write(t, []txtar.File{
			{Name: ".git/HEAD", Data: []byte("ref: refs/heads/main\n")},
			{Name: "cdk.json", Data: []byte("{}")},
			{Name: ".git/config", Data: []byte("[remote \"origin\"]\n\turl = " + address + "\n")},
		})
		app, err := scaffold.Inspect(dir, "")
		require.NoError(t, err)
		assert.Equal(t, []string{"my-org", "shop"}, []string{app.Owner, app.Repo})
		page := string(scaffold.Render(app))
		assert.Contains(t, page, want)
		assert.Equal(t, want != "", strings.Contains(page, "githubHost"), address)
	}
}

func TestTheRepositoryOfAWorkTreeIsFound(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"init", "-q", "-b", "main", "repo"},
		{"-C", "repo", "remote", "add", "origin", "git@github.com:my-org/shop.git"},
		{"-C", "repo", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"},
		{"-C", "repo", "worktree", "add", "-q", "-b", "feature", "../tree"},
	} {
		command := exec.Command("git", args...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tree", "cdk.json"), []byte("{}"), 0o644))
	app, err := scaffold.Inspect(filepath.Join(dir, "tree"), "")
	require.NoError(t, err)
	assert.Equal(t, []string{"my-org", "shop", "feature"}, []string{app.Owner, app.Repo, app.Branch})
}

// cdk init leaves the lock file uncommitted, and a run builds a commit.
func TestFilesThatTheBuildNeedsAndNoCommitHasAreNamed(t *testing.T) {
	r := gittest.New(t)
	uncommitted := func(dir string) []string {
		app, err := scaffold.Inspect(filepath.Join(r.Dir, dir), "")
		require.NoError(t, err)
		return app.Uncommitted
	}
	r.Write("svc/cdk.json", `{"app": "npx ts-node bin/app.ts"}`)
	r.Write("svc/package.json", "{}")
	r.Write("svc/package-lock.json", "{}")
	assert.Equal(t, []string{"svc/cdk.json", "svc/package.json", "svc/package-lock.json"}, uncommitted("svc"), "without any commit")
	r.Git("add", "svc/cdk.json", "svc/package.json")
	r.Git("commit", "-qm", "Start")
	assert.Equal(t, []string{"svc/package-lock.json"}, uncommitted("svc"))
	assert.Equal(t, []string{"svc/package-lock.json"}, uncommitted("."))
	r.Commit("Lock")
	r.Write("svc/package-lock.json", "{}\n")
	assert.Nil(t, uncommitted("svc"), "another content than that of the commit")
	r.Write("python/cdk.json", `{"app": "python3 app.py"}`)
	r.Write("python/requirements.txt", "")
	assert.Equal(t, []string{"python/cdk.json", "python/requirements.txt"}, uncommitted("python"))

	app, err := scaffold.Inspect(write(t, []txtar.File{{Name: "cdk.json", Data: []byte("{}")}}), "")
	require.NoError(t, err)
	assert.Nil(t, app.Uncommitted, "no repository")
}

func TestTheConfigurationLoadsWhateverIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		found := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z0-9"':#{}$/ -]{0,12}`),
			rapid.StringMatching(`[.+-]?[0-9a-fox_]{1,4}[.:e]?[0-9a-fn]{0,3}`)) // what some parser reads as a number or a date
		app := scaffold.App{
			Folder: found.Draw(t, "folder"), Host: found.Draw(t, "host"), Owner: found.Draw(t, "owner"), Repo: found.Draw(t, "repo"), Branch: found.Draw(t, "branch"),
			Build: rapid.SliceOfN(found, 0, 3).Draw(t, "build"), Tests: rapid.SliceOfN(found, 0, 3).Draw(t, "tests"),
		}
		for range rapid.IntRange(0, 3).Draw(t, "stacks") {
			app.Stacks = append(app.Stacks, scaffold.Stack{
				Name: found.Draw(t, "name"), Path: found.Draw(t, "path"), Account: rapid.StringMatching(`[0-9]{11,12}|`).Draw(t, "account"), Region: found.Draw(t, "region"),
			})
		}
		source := scaffold.Render(app)
		_, err := config.Parse(golden, source)
		require.NoError(t, err, "%s", source)
	})
}

// FuzzInspect checks that no source makes Inspect panic, and that the configuration loads.
func FuzzInspect(f *testing.F) {
	f.Add("const app = new App(); new AStack(app, 'A', { env: { account: '111111111111' } })")
	f.Add("app = App(); AStack(app, \"A\", env=dev)")
	f.Add("const app = new App(); new AStack(app, `A`, \"\\")
	f.Add("new AStack(app,,(")
	dir := write(f, []txtar.File{{Name: "cdk.json", Data: []byte(`{"app": "app.js"}`)}})
	loaded := map[string]bool{} // most sources lead to the same configurations
	f.Fuzz(func(t *testing.T, source string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "app.js"), []byte(source), 0o644))
		app, err := scaffold.Inspect(dir, "")
		require.NoError(t, err)
		rendered := scaffold.Render(app)
		if !loaded[string(rendered)] {
			_, err = config.Parse(golden, rendered)
			require.NoError(t, err)
			loaded[string(rendered)] = true
		}
	})
}

func split(archive *txtar.Archive) (sources []txtar.File, want string) {
	for _, file := range archive.Files {
		if file.Name == golden {
			want = string(file.Data)
			continue
		}
		sources = append(sources, file)
	}
	return sources, want
}

func write(t testing.TB, files []txtar.File) string {
	t.Helper()
	dir := t.TempDir()
	for _, file := range files {
		target := filepath.Join(dir, file.Name)
		require.NoError(t, os.MkdirAll(filepath.Dir(target), 0o755))
		require.NoError(t, os.WriteFile(target, file.Data, 0o644))
	}
	return dir
}

func TestAConfigurationInAFolderNamesItsPipelineApartFromOthersOfTheRepository(t *testing.T) {
	for file, want := range map[string]string{
		"aphex-config.yaml":                          "",
		"deploy.yaml":                                "",
		"services/api/aphex-config.yaml":             "workflowTemplateName: my-app-api\n",
		"services/a-name-that-leaves-no-room/x.yaml": "workflowTemplateName: a-name-that-leaves-no\n",
		"services/1/aphex-config.yaml":               "workflowTemplateName: my-app-1\n",
		"services/Größe/aphex-config.yaml":           "workflowTemplateName: my-app-gr-e\n",
	} {
		app := scaffold.App{Owner: "my-org", Repo: "my-app", Branch: "main", Stacks: []scaffold.Stack{{Name: "ApiStack", Path: "lib"}}}
		text := scaffold.Render(app.In(file))
		assert.Equal(t, want != "", strings.Contains(string(text), "workflowTemplateName"), file)
		assert.Contains(t, string(text), want, file)
		_, err := config.Parse(file, text)
		require.NoError(t, err, file)
		_, err = config.Parse(file, []byte(strings.NewReplacer("# triggers:", "triggers:", "#   paths:", "  paths:").Replace(string(text))))
		require.NoError(t, err, file)
	}
	app := scaffold.App{Owner: "my-org", Repo: "my-app", Branch: "main", Stacks: []scaffold.Stack{{Name: "ApiStack", Path: "lib"}}}
	assert.Contains(t, string(scaffold.Render(app.In("services/api/aphex-config.yaml"))), `#   paths: ["services/api/**"]`)
	assert.Contains(t, string(scaffold.Render(app.In("services/api/aphex-config.yaml"))), "argoNamespace: my-app-api\n")
}

func TestTheReadmeShowsWhatInitWrites(t *testing.T) {
	const page, begins, ends = "../../../README.md", "`generator init` writes a commented file such as this one:\n\n```yaml\n", "```\n"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begins)
	require.True(t, found, "README.md lacks %q", begins)
	shown, after, _ := strings.Cut(rest, ends)
	written := string(scaffold.Render(scaffold.App{
		Owner: "my-org", Repo: "my-app", Branch: "main", Build: []string{"npm ci", "npm run build"}, Tests: []string{"npm run test:deployed"},
		Stacks: []scaffold.Stack{{Name: "ApiStack", Path: "lib/api-stack.ts", Account: "111111111111", Region: "eu-west-1"}},
	}))
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begins+written+ends+after), 0o644))
		return
	}
	assert.Equal(t, written, shown, "run make golden")
}
