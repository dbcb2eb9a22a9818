package bucket

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/bucket-layout.md anew")

// digest is that of some artifact.
var digest = algorithm + strings.Repeat("ab", 32)

// aCache is some cache.
var aCache = Cache{time.Date(2026, time.November, 27, 20, 47, 0, 0, time.UTC), strings.Repeat("12", 8), strings.Repeat("34", 32), digest}

// keys has one key of every kind, in the order of layout, as installed pipelines know it.
var keys = []struct{ made, want string }{
	{ArtifactKey(commit, digest), commit + "/" + strings.Repeat("ab", 32) + ".tar.zst"},
	{DocumentKey(commit), commit + "/artifact.json"},
	{OutputsKey(commit, "dev"), commit + "/dev/outputs.json"},
	{DetailedOutputsKey(commit, "dev"), commit + "/dev/outputs-detailed.json"},
	{TestReportKey(commit, "dev"), commit + "/dev/tests/report.json"},
	{TestLogKey(commit, "dev"), commit + "/dev/tests/log.txt"},
	{JUnitKey(commit, "dev", "reports/a.xml"), commit + "/dev/tests/junit/reports/a.xml"},
	{PlanKey(commit, "shop-check-x7k2p", "dev"), commit + "/_plans/shop-check-x7k2p/dev.json"},
	{PlanCommentKey(commit, "shop-check-x7k2p"), commit + "/_plans/shop-check-x7k2p/plan.md"},
	{StepRecordKey("shop-1", "deploy-dev", 1), "metadata/workflows/shop-1/deploy-dev.json"},
	{RunRecordKey("shop-1"), "metadata/workflows/shop-1.json"},
	{DeployedKey(), "metadata/workflows/deployed.json"},
	{IndexKey(), "metadata/workflows/index.json"},
	{RunPageKey("shop-1"), "metadata/workflows/shop-1.html"},
	{IndexPageKey(), "metadata/workflows/index.html"},
	{ReleaseKey("shop-1", 2), "metadata/signed/releases/shop-1/2.json"},
	{ProvenanceKey(commit, digest), "metadata/signed/provenance/" + commit + "/" + strings.Repeat("ab", 32) + ".json"},
	{ReachedKey("dev"), "metadata/deployed/dev.json"},
	{OrderKey(), "metadata/order.json"},
	{FreezeKey("dev"), "metadata/freezes/dev.json"},
	{OverridesKey("shop-1", "dev"), "metadata/overrides/shop-1/dev.json"},
	{AskedKey("shop-1"), "metadata/approvals/shop-1.json"},
	{DecisionsKey("shop-1", "dev"), "metadata/approvals/shop-1/dev.json"},
	{StacksKey("dev"), "metadata/stacks/dev.json"},
	{DurationsKey("dev"), "metadata/durations/dev.json"},
	{TemplateKey(strings.Repeat("ab", 32)), "metadata/templates/" + strings.Repeat("ab", 32) + ".json"},
	{CacheKey("main", aCache), "cache/main-0d6e4079e36703ebd37c/20261127T204700Z-" + strings.Repeat("12", 8) + "-" + strings.Repeat("34", 32) + "-" + strings.Repeat("ab", 32) + ".tar.zst"},
}

func TestKeysStayWhatInstalledPipelinesKnow(t *testing.T) {
	require.Len(t, layout, len(keys), "every kind has a key here")
	for i, key := range keys {
		assert.Equal(t, key.want, key.made)
		_, ok := layout[i].parse(key.made)
		assert.True(t, ok, "%s is a key of %s", key.made, layout[i].pattern)
	}
	assert.Equal(t, "metadata/workflows/shop-1/", StepRecordsPrefix("shop-1"))
	assert.Equal(t, "metadata/stacks/", StacksPrefix())
}

func TestAKeyBelongsToTheEnvironmentInIt(t *testing.T) {
	for key, want := range map[string]string{
		StacksKey("dev"): "dev", StacksKey("eu-1"): "eu-1", DurationsKey("dev"): "", "metadata/stacks/a/b.json": "", "metadata/stacks/.json": "",
		"metadata/stacks/dev.json.bak": "", "x/metadata/stacks/dev.json": "", "metadata/stacks/devxjson": "",
	} {
		environment, ok := StacksEnvironment(key)
		assert.Equal(t, want, environment, key)
		assert.Equal(t, want != "", ok, key)
	}
}

func TestARecordBelongsToTheRunOfItsKey(t *testing.T) {
	for key, want := range map[string]string{
		RunRecordKey("shop-1"): "shop-1", DeployedKey(): "", IndexKey(): "", StepRecordKey("shop-1", "build", 1): "", "metadata/workflows/.json": "",
		"x/metadata/workflows/shop-1.json": "", "metadata/workflows/shop-1.json.bak": "",
	} {
		run, ok := RunOfRecord(key)
		assert.Equal(t, want, run, key)
		assert.Equal(t, want != "", ok, key)
	}
}

// TestExpiringPrefixesMatchTheDocumentedLifetimes compares what the documentation says of every kind with the rules for its keys.
func TestExpiringPrefixesMatchTheDocumentedLifetimes(t *testing.T) {
	for i, key := range keys {
		expiring := false
		for _, prefix := range ExpiringPrefixes() {
			expiring = expiring || strings.HasPrefix(key.made, prefix)
		}
		assert.Equal(t, layout[i].kept == expires || layout[i].kept == cached, expiring, key.made)
		assert.Equal(t, layout[i].kept == cached, strings.HasPrefix(key.made, CachesPrefix()), key.made)
	}
}

func TestIAMPatternsMatchTheKeysTheyAreFor(t *testing.T) {
	matches := func(pattern, key string) bool {
		expression := strings.NewReplacer(`\?`, ".", `\*`, ".*").Replace(regexp.QuoteMeta(pattern))
		return regexp.MustCompile("^" + expression + "$").MatchString(key)
	}
	for i, key := range keys {
		assert.Equal(t, strings.HasPrefix(layout[i].pattern, "<commit>/"), matches(CommitKeys(), key.made), key.made)
		assert.Equal(t, strings.HasPrefix(layout[i].pattern, "metadata/workflows/"), matches(RecordKeys(), key.made), key.made)
	}
	assert.Equal(t, []string{commit, "metadata", "cache"}, Folders(commit))
}

func TestTheDocumentedLayoutIsTheCodes(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "bucket-layout.md")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(Markdown()), 0o644))
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, Markdown(), string(text), "make golden writes it anew")
}

// TestKeysAreBuiltInOnePlace looks for parts of keys in the texts of the product's code.
func TestKeysAreBuiltInOnePlace(t *testing.T) {
	part := regexp.MustCompile(`^metadata/|/tests/|/outputs|outputs-detailed\.json$|artifact\.json|\.tar\.zst`)
	own := map[string]bool{
		"internal/bucket/layout.go": true,
		// Names of files that commands find, and no keys.
		"internal/command/cmdenv/environment.go": true,
	}
	root := filepath.Join("..", "..")
	for _, top := range []string{"cmd", "internal", "stages"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			name, _ := filepath.Rel(root, path)
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "tests"):
				return fs.SkipDir
			case !strings.HasSuffix(name, ".go"), strings.HasSuffix(name, "_test.go"), own[filepath.ToSlash(name)]:
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if _, isImport := n.(*ast.ImportSpec); isImport {
					return false
				}
				text, ok := n.(*ast.BasicLit)
				if ok && text.Kind == token.STRING && !strings.Contains(text.Value, "\n") && part.MatchString(strings.Trim(text.Value, "\"`")) {
					t.Errorf("%s has %s: make the key in internal/bucket/layout.go", name, text.Value)
				}
				return true
			})
			return nil
		}))
	}
}
