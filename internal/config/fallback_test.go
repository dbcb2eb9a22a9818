package config_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

func TestTheCommandLineSetsMissingKeysOfAnOldFile(t *testing.T) {
	old := load(t, "short-form.yaml")
	require.Error(t, old.RequireCluster())
	require.NoError(t, old.FillIn(config.Fallback{GithubOwner: "my-org", GithubRepo: "my-app", GithubBranch: "develop", ClusterName: "company"}))
	require.NoError(t, old.RequireCluster())
	assert.Equal(t, "my-org", old.GithubOwner)
	assert.Equal(t, "develop", old.GithubBranch)
	assert.Equal(t, "AphexCluster-company-", old.ClusterExportPrefix)
}

func TestTheFileOverridesTheCommandLine(t *testing.T) {
	full := load(t, "full-form.yaml")
	require.NoError(t, full.FillIn(config.Fallback{GithubOwner: "other", GithubRepo: "other", GithubBranch: "other", ClusterName: "other"}))
	assert.Equal(t, "my-org", full.GithubOwner)
	assert.Equal(t, "release/2.x", full.GithubBranch)
	assert.Equal(t, "Company-Pipelines-", full.ClusterExportPrefix)
}

func TestAWrongValueOfACommandLineIsRefused(t *testing.T) {
	old := load(t, "short-form.yaml")
	err := old.FillIn(config.Fallback{GithubOwner: "https://github.com/my-org", GithubBranch: "{{workflow.name}}"})
	require.ErrorContains(t, err, "githubOwner is \"https://github.com/my-org\"")
	assert.ErrorContains(t, err, "githubBranch is")
	assert.Empty(t, old.GithubOwner)
}
