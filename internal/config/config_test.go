package config_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestEveryValidFileLoads(t *testing.T) {
	files, err := filepath.Glob("testdata/valid/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := config.Load(file)
			assert.NoError(t, err)
		})
	}
}

func TestTheShortFormGetsTheDocumentedDefaults(t *testing.T) {
	got := load(t, "short-form.yaml")
	assert.Equal(t, "main", got.GithubBranch)
	assert.Equal(t, "aphex-pipeline-template", got.WorkflowTemplateName)
	assert.Equal(t, "github", got.EventSourceName)
	assert.Equal(t, "aphex-pipeline-sensor", got.SensorName)
	assert.Equal(t, "workflow-executor", got.ServiceAccountName)
	assert.Equal(t, "aphex-pipeline-", got.WorkflowNamePrefix)
	assert.Equal(t, "argo", got.ArgoNamespace)
	assert.Equal(t, "argo-events", got.ArgoEventsNamespace)
	assert.Equal(t, 90, got.ArtifactRetentionDays)
	assert.Equal(t, "public.ecr.aws/aphex/tester:latest", got.TesterImage)
	assert.Equal(t, config.LoadBalancer, got.WebhookService)
	assert.Equal(t, config.Continue, got.SelfUpdate.OnFailure)
	assert.Equal(t, []string{"artifacts"}, got.Build.Artifacts)
	assert.Empty(t, got.ArtifactBucketName, "known only where account and region are")
	assert.Empty(t, got.ClusterExportPrefix, "there is no cluster")
	assert.Equal(t, "*/15 * * * *", got.ReconcileSchedule)
	assert.Nil(t, got.PipelineStack)
}

func TestEnvironmentsAreASequenceUnlessTheySayOtherwise(t *testing.T) {
	short := load(t, "short-form.yaml")
	assert.Equal(t, []string{}, short.Environments[0].After)
	assert.Equal(t, []string{"dev"}, short.Environments[1].After)

	full := load(t, "full-form.yaml")
	assert.Equal(t, []string{}, full.Environments[1].After, "`after: []` waits for none")
	assert.Equal(t, []string{"dev", "edge"}, full.Environments[2].After)
}

func TestAnEnvironmentHasItsStacksInFull(t *testing.T) {
	full := load(t, "full-form.yaml")
	gov, found := full.Environment("gov")
	require.True(t, found)
	assert.Equal(t, []config.Stack{
		{Name: "DatabaseStack", Path: "lib/database-stack.ts"},
		{Name: "AuditStack", Path: "lib/audit-stack.ts", DependsOn: []string{"DatabaseStack"}},
	}, gov.Stacks)
	assert.Equal(t, []string{"DatabaseStack", "AuditStack"}, full.StackNames("gov"))
	assert.Empty(t, full.Stacks[2].Path, "a stack without a path is in the app of the folder of the file: At")
	assert.Equal(t, 1, gov.Concurrency)
}

func TestAnUnknownEnvironmentHasNoStacks(t *testing.T) {
	short := load(t, "short-form.yaml")
	_, found := short.Environment("nowhere")
	assert.False(t, found)
	assert.Empty(t, short.StackNames("nowhere"))
}

func TestAnAccountKeepsItsLeadingZeros(t *testing.T) {
	full := load(t, "full-form.yaml")
	assert.Equal(t, "012345678901", full.Environments[0].Account)
	assert.Equal(t, "111111111111", full.Environments[1].Account, "12 digits without a leading zero need no quotes")
}

func TestTheExportPrefixFollowsTheCluster(t *testing.T) {
	got, err := config.Parse("x.yaml", []byte("version: '1.0'\nclusterName: shared\n"+oneEnvironment))
	require.NoError(t, err)
	assert.Equal(t, "AphexCluster-shared-", got.ClusterExportPrefix)
	assert.Equal(t, "Company-Pipelines-", load(t, "full-form.yaml").ClusterExportPrefix)
}

func TestTheRegionDecidesThePartition(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-east-1": "aws-us-gov", "us-iso-east-1": "aws-iso",
		"us-isob-east-1": "aws-iso-b", "us-isof-south-1": "aws-iso-f", "eu-isoe-west-1": "aws-iso-e", "eusc-de-east-1": "aws-eusc",
	} {
		assert.Equal(t, want, config.Environment{Region: region}.Partition(), region)
	}
}

func TestAClusterNeedsMoreThanALocalRun(t *testing.T) {
	require.NoError(t, load(t, "full-form.yaml").RequireCluster())

	err := load(t, "short-form.yaml").RequireCluster()
	var problems config.Problems
	require.True(t, errors.As(err, &problems))
	var paths []string
	for _, problem := range problems {
		paths = append(paths, problem.Path)
	}
	assert.Equal(t, []string{"githubOwner", "githubRepo", "clusterName"}, paths)
	assert.ErrorContains(t, err, "configuration: there is no githubOwner, which a pipeline on a cluster needs")
}

func TestAcceptsAsksTheRuleOfAKey(t *testing.T) {
	assert.True(t, config.Accepts[config.Stack]("name", "ApiStack"))
	assert.False(t, config.Accepts[config.Stack]("name", "Api Stack"))
	assert.False(t, config.Accepts[config.Stack]("nmae", "ApiStack"))
	assert.True(t, config.Accepts[config.Environment]("account", "012345678901"))
	assert.False(t, config.Accepts[config.Config]("githubBranch", "-x"))
}

func TestProblemsAreDataToo(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("version: '1.0'\nenvironments:\n  - name: Dev\n    account: '1'\n    region: eu-west-1\n    stacks: [{name: Shop}]\n"))
	got, marshalErr := json.Marshal(err)
	require.NoError(t, marshalErr)
	assert.JSONEq(t, `[
	  {"file": "x.yaml", "line": 3, "column": 11, "path": "environments[0].name", "value": "Dev", "hint": "did you mean \"dev\"?",
	   "message": "name is \"Dev\": expected an environment name: at most 40 lower-case letters, digits and hyphens, with a letter first and no hyphen last"},
	  {"file": "x.yaml", "line": 4, "column": 14, "path": "environments[0].account", "value": "1",
	   "message": "account is \"1\": expected an AWS account id of 12 digits, in quotes"}
	]`, string(got))
}

func TestTheErrorForAnUnreadableFileHasTheReason(t *testing.T) {
	folder := t.TempDir()
	_, err := config.Load(filepath.Join(folder, "none.yaml"))
	assert.ErrorContains(t, err, "none.yaml: no such file")
	assert.ErrorContains(t, err, "create one with `generator init`")

	_, err = config.Load(folder)
	assert.ErrorContains(t, err, "cannot be read: not a regular file")
	assert.IsType(t, config.Problems{}, err)
}

func TestALinkOutOfTheFolderIsNotFollowedAndADeviceNotRead(t *testing.T) {
	_, err := config.Load("/dev/zero")
	assert.ErrorContains(t, err, "not a regular file")
	for _, target := range []string{"/dev/zero", "/proc/self/environ"} {
		file := filepath.Join(t.TempDir(), "aphex-config.yaml")
		require.NoError(t, os.Symlink(target, file))
		_, err := config.Load(file)
		assert.ErrorContains(t, err, "cannot be read: ", target)
	}
}

// The pipeline reads the file out of an artifact, where a link is no file.
func TestALinkIsRefusedAlsoWhereItLeadsToAFileOfTheRepository(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "svc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "svc", config.File), []byte("version: '1.0'\n"+oneEnvironment), 0o644))
	require.NoError(t, os.Symlink(filepath.Join("svc", config.File), filepath.Join(dir, config.File)))
	require.NoError(t, os.Symlink("svc", filepath.Join(dir, "linked")))
	_, err := config.LoadCommitted(dir, "svc/"+config.File, "")
	require.NoError(t, err)
	for name, says := range map[string]string{
		config.File:             "it is a symbolic link",
		"linked/" + config.File: "in a folder that is one",
		"/etc/hostname":         "it is outside of the repository",
		"../" + config.File:     "it is outside of the repository",
	} {
		_, err := config.LoadCommitted(dir, name, "")
		assert.ErrorContains(t, err, says, name)
		_, err = config.DigestOf(dir, name)
		assert.ErrorContains(t, err, says, name)
	}
	_, err = config.Load(filepath.Join(dir, config.File))
	assert.ErrorContains(t, err, "replace the link by the file")
}

const oneEnvironment = "environments: [{name: dev, account: '111111111111', region: eu-west-1, stacks: [{name: Shop}]}]\n"

func load(t *testing.T, name string) *config.Config {
	t.Helper()
	got, err := config.Load(filepath.Join("testdata/valid", name))
	require.NoError(t, err)
	return got
}

func TestAnEnvironmentWithoutStacksDeploysAllOfTheTopLevel(t *testing.T) {
	const top = "version: \"1.0\"\nstacks: [{name: DatabaseStack, path: lib/db.ts}, {name: ApiStack, dependsOn: [DatabaseStack]}]\nenvironments:\n- {name: dev, account: \"111111111111\", region: eu-west-1"
	short, err := config.Parse("x", []byte(top+"}\n"))
	require.NoError(t, err)
	long, err := config.Parse("x", []byte(top+", stacks: [DatabaseStack, ApiStack]}\n"))
	require.NoError(t, err)
	assert.Equal(t, long, short)

	for text, want := range map[string]string{
		top + ", stacks: []}\n":    "stacks is empty",
		top + ", stacks: null}\n":  "stacks is empty",
		top + ", stakcs: [Api]}\n": `unknown key "stakcs"`,
		"version: \"1.0\"\nenvironments:\n- {name: dev, account: \"111111111111\", region: eu-west-1}\n": "environments[0] has no stacks, and neither has the top level",
	} {
		_, err := config.Parse("x", []byte(text))
		var problems config.Problems
		require.ErrorAs(t, err, &problems, text)
		assert.Len(t, problems, 1, text)
		assert.ErrorContains(t, err, want)
	}
}
