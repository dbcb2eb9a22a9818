package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// least is a configuration with what it must have, and some keys more.
func least(t require.TestingT, keys string) *config.Config {
	cfg, err := config.Parse("aphex-config.yaml", []byte(`version: "1.0"
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`+keys))
	require.NoError(t, err)
	return cfg
}

// namesIn are the names of a configuration, with the key that each has.
func namesIn(cfg *config.Config) map[string]string {
	return map[string]string{
		"workflowTemplateName": cfg.WorkflowTemplateName, "eventSourceName": cfg.EventSourceName, "sensorName": cfg.SensorName,
		"serviceAccountName": cfg.ServiceAccountName, "workflowNamePrefix": cfg.WorkflowNamePrefix,
		"artifactBucketName": cfg.Bucket("111111111111", "us-isob-east-1"),
	}
}

func TestDefaultNamesAreDerivedFromTheRepository(t *testing.T) {
	for repository, want := range map[string][6]string{
		"shop":  {"shop", "shop", "shop-sensor", "shop-deploy", "shop-", "aphex-shop-111111111111-us-isob-east-1"},
		"Shop":  {"shop", "shop", "shop-sensor", "shop-deploy", "shop-", "aphex-shop-111111111111-us-isob-east-1"},
		"a.b_c": {"a-b-c-5b8f934a", "a-b-c-5b8f934a", "a-b-c-5b8f934a-sensor", "a-b-c-5b8f934a-deploy", "a-b-c-5b8f934a-", "aphex-a-b-c-5b8f934a-111111111111-us-isob-east-1"},
	} {
		names := namesIn(least(t, "githubRepo: "+repository))
		assert.Equal(t, want, [6]string{
			names["workflowTemplateName"], names["eventSourceName"], names["sensorName"],
			names["serviceAccountName"], names["workflowNamePrefix"], names["artifactBucketName"],
		})
	}
}

func TestTheNamesOfThePredecessorAreTheDefaultsWithoutARepositoryAndForItsTemplateName(t *testing.T) {
	for _, keys := range []string{"", "githubRepo: shop\nworkflowTemplateName: aphex-pipeline-template"} {
		assert.Equal(t, map[string]string{
			"workflowTemplateName": "aphex-pipeline-template", "eventSourceName": "github", "sensorName": "aphex-pipeline-sensor",
			"serviceAccountName": "workflow-executor", "workflowNamePrefix": "aphex-pipeline-",
			"artifactBucketName": "aphex-pipeline-artifacts-111111111111-us-isob-east-1",
		}, namesIn(least(t, keys)))
	}
}

func TestAConfiguredNameIsKeptAndTheOthersAreDerived(t *testing.T) {
	cfg := least(t, "githubRepo: shop\nworkflowTemplateName: store\nsensorName: bell")
	assert.Equal(t, "store", cfg.EventSourceName)
	assert.Equal(t, "bell", cfg.SensorName)
	assert.Equal(t, "store-deploy", cfg.ServiceAccountName)
}

func TestARepositoryThatIsFilledInNamesThePipeline(t *testing.T) {
	cfg := least(t, "sensorName: bell")
	require.NoError(t, cfg.FillIn(config.Fallback{GithubRepo: "shop"}))
	assert.Equal(t, "shop", cfg.WorkflowTemplateName)
	assert.Equal(t, "shop-", cfg.WorkflowNamePrefix)
	assert.Equal(t, "bell", cfg.SensorName)
}

func TestAnInstalledPipelineKeepsNamesThatAreNotConfigured(t *testing.T) {
	former := config.Former()
	former.ArtifactBucketName = "kept"
	cfg := least(t, "githubRepo: shop\nsensorName: bell")
	require.NoError(t, cfg.FillIn(former))
	require.NoError(t, cfg.FillIn(config.Fallback{WorkflowTemplateName: "other", ArtifactBucketName: "other", SensorName: "other"}))
	assert.Equal(t, map[string]string{
		"workflowTemplateName": "aphex-pipeline-template", "eventSourceName": "github", "sensorName": "bell",
		"serviceAccountName": "workflow-executor", "workflowNamePrefix": "aphex-pipeline-", "artifactBucketName": "kept",
	}, namesIn(cfg))
}

// repositories draws names that GitHub takes, many of them near each other.
func repositories() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[A-Za-z0-9._-]{0,99}[A-Za-z0-9_-]`),
		rapid.StringMatching(`a{18,90}[ab]`),
		rapid.StringMatching(`(xn--|sthree-)?(shop|github|aphex-pipeline|workflow-executor|0|-)([-_.](build|deploy|sensor|watch|x)){0,3}`),
	).Filter(func(name string) bool { return config.Accepts[config.Config]("githubRepo", name) })
}

func TestNoTwoRepositoriesShareANameAndEveryNameIsOne(t *testing.T) {
	former := namesIn(least(t, ""))
	rapid.Check(t, func(t *rapid.T) {
		one, other := repositories().Draw(t, "one"), repositories().Draw(t, "other")
		first, second := namesIn(least(t, fmt.Sprintf("githubRepo: %q", one))), namesIn(least(t, fmt.Sprintf("githubRepo: %q", other)))
		for key, name := range first {
			assert.True(t, config.Accepts[config.Config](key, name), "%s: %s", key, name)
			if !strings.EqualFold(one, other) {
				assert.NotEqual(t, name, second[key], key)
			}
			assert.NotEqual(t, former[key], name, key)
		}
	})
}
