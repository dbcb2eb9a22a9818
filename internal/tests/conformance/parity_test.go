package conformance_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
)

// subject is an app that both deploy.
type subject struct {
	app     string   // folder in apps, or the example
	stacks  []string // as the configuration names them; all of the app's
	account string   // of the environment; dev's when empty
	region  string
	options []string // of our deployer
	slow    bool     // runs with CONFORMANCE=all only
	late    string   // a publishing role that the app itself makes: the CLI keeps the credentials that it falls back to before it is there
	dynamic bool     // a second deployment may make change sets, as a value may have changed outside
}

var apps = []subject{
	{app: "shop", stacks: []string{"DatabaseStack", "ApiStack", "EdgeStack"}},
	{app: "stage", stacks: []string{"Prod-BaseStack", "Prod-EdgeStack"}, slow: true},
	{app: "nested", stacks: []string{"NestedParent"}},
	{app: "tags", stacks: []string{"TaggedStack"}},
	{app: "parameters", stacks: []string{"ParameterStack"}, dynamic: true},
	{app: "references", stacks: []string{"Producer", "NearReader", "FarReader", "FarImporter"}, dynamic: true},
	{app: "far", stacks: []string{"FarStack"}, account: prod, region: frankfurt, slow: true},
	{app: "docker", stacks: []string{"ImageStack"}, slow: true},
	{app: "bundled", stacks: []string{"BundledStack"}, slow: true},
	{app: "large", stacks: []string{"LargeStack"}, slow: true},
	{app: "agnostic", stacks: []string{"AgnosticStack", "ReadingStack"}, slow: true},
	{app: "qualifier", stacks: []string{"QualifiedStack"}, slow: true},
	{app: "serverless", stacks: []string{"ServerlessStack", "IncludedStack"}, slow: true},
	{app: "settings", stacks: []string{"LegacyLarge", "Empty"}, slow: true},
	{app: "synthesizers", stacks: []string{"LegacySynth", "CliCredentials", "Bootstrapless", "NoVersionRule", "NoRoles"}, slow: true},
	{app: "ownbucket", stacks: []string{"Buckets", "User"}, late: "my-own-publisher", slow: true},
	{app: "lookup", stacks: []string{"LookupStack"}, slow: true, options: []string{"--lookups"}},
	{app: "diamonds", stacks: diamonds(), slow: true},
	{app: "assets", stacks: []string{"AssetStack"}, slow: true},
}

func diamonds() (names []string) {
	for i := range 40 {
		names = append(names, fmt.Sprintf("Diamond%02d", i))
	}
	return names
}

// folder makes a copy of the app with our configuration in it.
func (s subject) folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "app")
	if s.app == "shop" {
		shop := "../../../examples/shop"
		require.FileExists(t, filepath.Join(shop, "dist", "bin", "shop.js"), "the example is not built: make test builds it")
		for _, part := range []string{"dist", "artifacts"} {
			require.NoError(t, os.CopyFS(filepath.Join(dir, part), os.DirFS(filepath.Join(shop, part))))
		}
		settings, err := os.ReadFile(filepath.Join(shop, "cdk.json"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cdk.json"), settings, 0o644))
		require.NoError(t, os.Symlink(assemblytest.NodeModules(t), filepath.Join(dir, "node_modules")))
	} else {
		dir = assemblytest.App(t, filepath.Join("apps", s.app))
	}
	account, region := s.account, s.region
	if account == "" {
		account, region = dev, ireland
	}
	configure(t, dir, account, region, s.stacks...)
	return dir
}

// configure writes our configuration for an app into its folder.
func configure(t *testing.T, dir, account, region string, stacks ...string) {
	t.Helper()
	text := fmt.Sprintf("version: \"1.0\"\nenvironments:\n  - name: dev\n    account: %q\n    region: %s\n    concurrency: 8\n"+
		"    regions: [%s, %s]\n    bootstrapQualifiers: [hnb659fds, %s]\n    stacks:\n", account, region, ireland, frankfurt, qualifier)
	for _, name := range stacks {
		text += fmt.Sprintf("      - name: %q\n        path: cdk.json\n", name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "aphex-config.yaml"), []byte(text), 0o644))
}

// deployAll selects everything: --all knows no stacks of a Stage.
var deployAll = []string{"deploy", "**", "--require-approval", "never", "--concurrency", "8", "--outputs-file", "outputs.json"}

func TestADeploymentLeavesWhatTheCDKLeaves(t *testing.T) {
	for _, s := range apps {
		if s.slow && !all() {
			continue
		}
		t.Run(s.app, func(t *testing.T) {
			t.Parallel()
			s.compare(t)
		})
	}
}

// compare deploys the app into two clouds, compares them, and then changes
// sides: whoever comes second finds nothing to do.
func (s subject) compare(t *testing.T) {
	theirs, ours := newCloud(t), newCloud(t)
	theirApp, ourApp := s.folder(t), s.folder(t)
	theirDocker, ourDocker := theirs.standIn(), ours.standIn()
	if s.app != "shop" && !all() {
		theirs.environ, ours.environ = append(theirs.environ, unvalidated...), append(ours.environ, unvalidated...)
	}

	theirs.mustCDK(theirApp, deployAll...)
	options := append([]string{"--outputs-file", filepath.Join(ourApp, "outputs.json")}, s.options...)
	printed, code := ours.deployer(ourApp, options...)
	require.Zero(t, code, printed)
	left, right := theirs.state(), ours.state()
	if s.late != "" {
		assert.Contains(t, strings.Join(right.Roles["s3:PutObject"], " "), "/"+s.late)
		delete(left.Roles, "s3:PutObject")
		delete(right.Roles, "s3:PutObject")
	}
	assert.Equal(t, left.String(), right.String())
	assert.Equal(t, outputs(t, theirApp), outputs(t, ourApp))
	assert.Equal(t, theirDocker.calls(), ourDocker.calls())
	assert.Empty(t, theirs.Unknown())
	assert.Empty(t, ours.Unknown())

	if s.dynamic { // its stacks are prepared each time, which replaces the CLI's archives once
		printed, code = theirs.deployer(ourApp, s.options...)
		require.Zero(t, code, printed)
	}
	theirs.ForgetCalls()
	printed, code = theirs.deployer(ourApp, s.options...)
	require.Zero(t, code, printed)
	s.assertUnchanged(t, theirs, printed)
	if all() {
		ours.ForgetCalls()
		s.assertUnchanged(t, ours, ours.mustCDK(theirApp, deployAll...))
	}
}

// assertUnchanged checks that a deployment found everything unchanged.
func (s subject) assertUnchanged(t *testing.T, c *cloud, printed string) {
	t.Helper()
	calls := c.Calls()
	assert.Zero(t, calls["cloudformation:ExecuteChangeSet"], printed)
	assert.Zero(t, calls["s3:PutObject"], printed)
	if !s.dynamic {
		assert.Zero(t, calls["cloudformation:CreateChangeSet"], printed)
	}
}

// outputs reads the outputs file without what is random: the names of outputs by stack.
func outputs(t *testing.T, app string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(app, "outputs.json"))
	require.NoError(t, err)
	var all map[string]map[string]string
	require.NoError(t, json.Unmarshal(text, &all))
	names := map[string][]string{}
	for stack, values := range all {
		names[stack] = []string{}
		for key, value := range values {
			names[stack] = append(names[stack], key)
			assert.False(t, strings.Contains(value, "${"), value)
		}
	}
	for stack := range names {
		slices.Sort(names[stack])
	}
	return names
}
