package scaffold_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/config/scaffold"
)

// template is a template of an app with AphexPipeline constructs, by their paths.
func template(t *testing.T, constructs map[string]map[string]string) string {
	t.Helper()
	metadata := map[string]any{"Owner": "platform"}
	for construct, record := range constructs {
		metadata["AphexPipeline:"+construct] = record
	}
	text, err := json.Marshal(map[string]any{"Metadata": metadata, "Resources": map[string]any{}})
	require.NoError(t, err)
	return string(text)
}

func assemblyOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// written is the configuration of a construct in code, with an environment variable of the value.
func written(t *testing.T, value string) string {
	t.Helper()
	quoted, err := json.Marshal(value)
	require.NoError(t, err)
	return `{
  "version": "1.0", "githubOwner": "my-org", "githubRepo": "my-app",
  "environments": [
    {"name": "dev", "account": "012345678901", "region": "eu-west-1", "stacks": [{"name": "Api*"}], "env": {"VALUE": ` + string(quoted) + `}}
  ]
}
`
}

func TestTheConfigurationOfAConstructDeclaresTheSameInYAML(t *testing.T) {
	for _, value := range []string{
		"", "yes", "on", "null", "~", "1", "1e3", "0x1F", "007", "2024-01-01", " x ", "# c", "- a", "a: b", "{a}", "[a", "&a", "*a", "!a", "%a", "@a", "`a", "'", `"`, `\n`,
		"two\nlines\n", "\n\n", "\t", "é", "\u2028", "\u0085", "\ufeff", "=", "<<", "|", ">", "?", strings.Repeat("word ", 100),
	} {
		text := written(t, value)
		all, err := scaffold.DeclaredIn(assemblyOf(t, map[string]string{"Shop.template.json": template(t, map[string]map[string]string{
			"Shop/Pipeline": {"path": "aphex-config.yaml", "configuration": text},
		})}))
		require.NoError(t, err, "%q", value)
		require.Len(t, all, 1)
		meant, err := config.Parse("x", []byte(text))
		require.NoError(t, err)
		read, err := config.Parse("x", all[0].Text)
		require.NoError(t, err, "%q: %s", value, all[0].Text)
		assert.Equal(t, meant, read, "%q", value)
		assert.Contains(t, string(all[0].Text), "# Declared by the construct Shop/Pipeline.")
		if value == "yes" {
			assert.Contains(t, string(all[0].Text), "\n  - name: dev\n    account: \"012345678901\"\n")
		}
	}
}

func TestPipelinesOfAllStacksAndStagesAreFound(t *testing.T) {
	yaml := "# of a file\nversion: \"1.0\"\nenvironments: [{name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api*}]}]\n"
	all, err := scaffold.DeclaredIn(assemblyOf(t, map[string]string{
		"Pipelines.template.json": template(t, map[string]map[string]string{
			"Pipelines/Web": {"path": "aphex-config.yaml", "configuration": written(t, "")},
			"Pipelines/Api": {"path": "services/api/deploy.yml", "configuration": yaml},
		}),
		"assembly-Prod/Far.template.json": template(t, map[string]map[string]string{"Prod/Far/Pipeline": {"path": "far.yaml", "configuration": yaml}}),
		"asset.1/Not.template.json":       "no JSON",
		"manifest.json":                   "{}",
	}))
	require.NoError(t, err)
	found := map[string]string{}
	for _, one := range all {
		found[one.Construct] = one.Path
	}
	assert.Equal(t, map[string]string{"Pipelines/Api": "services/api/deploy.yml", "Pipelines/Web": "aphex-config.yaml", "Prod/Far/Pipeline": "far.yaml"}, found)
	assert.Equal(t, yaml, string(all[0].Text), "a file keeps its comments")
	assert.True(t, slices.IsSortedFunc(all, func(a, b scaffold.Declared) int { return strings.Compare(a.Construct, b.Construct) }))
}

func TestTheConstructIsTheOnlyOneOrTheOneThatIsNamed(t *testing.T) {
	yaml := written(t, "")
	one := assemblyOf(t, map[string]string{"A.template.json": template(t, map[string]map[string]string{"A/Only": {"path": "a.yaml", "configuration": yaml}})})
	two := assemblyOf(t, map[string]string{"A.template.json": template(t, map[string]map[string]string{
		"A/First": {"path": "1.yaml", "configuration": yaml}, "A/Second": {"path": "2.yaml", "configuration": yaml},
	})})
	for _, c := range []struct{ folder, construct, path, problem string }{
		{one, "", "a.yaml", ""},
		{one, "A/Only", "a.yaml", ""},
		{two, "A/Second", "2.yaml", ""},
		{two, "", "", "the app has 2 AphexPipeline constructs: A/First, A/Second"},
		{two, "A/Third", "", `no AphexPipeline construct "A/Third": it has A/First, A/Second`},
	} {
		found, err := scaffold.DeclaredBy(c.folder, c.construct)
		assert.Equal(t, c.path, found.Path)
		if c.problem != "" {
			assert.ErrorContains(t, err, c.problem)
		}
	}
}

func TestTheSummaryOfAnAppSaysWhatItsConfigurationLacks(t *testing.T) {
	app := scaffold.App{Folder: "services/shop"}
	assert.Equal(t, []string{"no stack was recognized in the source of the CDK app in services/shop, so the file selects every stack of the app; " +
		"generator init --synth runs the app and lists them"}, app.Summary(false))
	assert.Equal(t, []string{"the CDK app in services/shop has no stack, so the file selects every stack"}, app.Summary(true))
	assert.Equal(t, "wrote a.yaml; review it, commit it, then run: generator run --source . -c a.yaml", app.NextStep(".", "a.yaml", "a.yaml"))

	app.Others, app.Uncommitted = []string{"web"}, []string{"package-lock.json"}
	assert.Equal(t, []string{
		"not in the file: 1 CDK app: web; for another app run generator init --source DIR",
		"not committed yet, and a run builds a commit: 1 file: package-lock.json",
	}, app.Summary(true)[1:])
	assert.Equal(t, "wrote x; review it, commit it with them, then run: generator run --source .", app.NextStep(".", "aphex-config.yaml", "x"))
	assert.Contains(t, app.NextStep("/my apps/it's", "the config.yaml", "x"), `then run: generator run --source '/my apps/it'\''s' -c 'the config.yaml'`)
}

func TestAHostileAssemblyWritesNothing(t *testing.T) {
	good := written(t, "")
	for name, record := range map[string]map[string]string{
		"a path out of the repository": {"path": "../aphex-config.yaml", "configuration": good},
		"an absolute path":             {"path": "/etc/aphex-config.yaml", "configuration": good},
		"a hook of git":                {"path": ".git/hooks/pre-commit", "configuration": good},
		"no path":                      {"configuration": good},
		"an invalid configuration":     {"path": "aphex-config.yaml", "configuration": "{}"},
		"no configuration":             {"path": "aphex-config.yaml"},
	} {
		_, err := scaffold.DeclaredIn(assemblyOf(t, map[string]string{"Shop.template.json": template(t, map[string]map[string]string{"Shop/Pipeline": record})}))
		assert.Error(t, err, name)
	}
	for name, files := range map[string]map[string]string{
		"a template that is no JSON": {"Shop.template.json": "{"},
		"a record that is a text":    {"Shop.template.json": `{"Metadata": {"AphexPipeline:Shop/Pipeline": "x"}}`},
		"a huge template":            {"Shop.template.json": strings.Repeat(" ", 9<<20)},
		"no construct":               {"Shop.template.json": "{}"},
		"nothing":                    {},
	} {
		_, err := scaffold.DeclaredIn(assemblyOf(t, files))
		assert.Error(t, err, name)
	}
	_, err := scaffold.DeclaredIn(filepath.Join(t.TempDir(), "none"))
	assert.ErrorContains(t, err, "cloud assembly")
}

func TestTheConfigurationOfAConstructReplacesItsFileInTheRepository(t *testing.T) {
	top := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(top, ".git"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(top, "infra"), 0o755))
	one := scaffold.Declared{Construct: "Shop/Pipeline", Path: "deploy/aphex-config.yaml", Text: []byte("new\n")}
	for range 2 {
		file, err := one.Write(filepath.Join(top))
		require.NoError(t, err)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, "new\n", string(text))
	}

	outside := t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(top, "link")))
	one.Path = "link/aphex-config.yaml"
	_, err := one.Write(top)
	require.Error(t, err)
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Empty(t, entries)
}
