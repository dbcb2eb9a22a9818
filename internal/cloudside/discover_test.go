package cloudside_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/cloudside"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

func exported(prefixes ...string) map[string]string {
	exports := map[string]string{"Unrelated": "x"}
	for _, prefix := range prefixes {
		exports[prefix+"ClusterName"] = "company"
		exports[prefix+"OIDCProviderArn"] = "arn:aws:iam::111111111111:oidc-provider/oidc.example.test/id/1"
		exports[prefix+"KubectlRoleArn"] = "arn:aws:iam::111111111111:role/kubectl"
		exports[prefix+"ClusterSecurityGroupId"] = "sg-1"
	}
	return exports
}

func TestAClusterIsFoundByItsExports(t *testing.T) {
	cluster, err := cloudside.Discover(exported("AphexCluster-company-"), "AphexCluster-company-")
	require.NoError(t, err)
	assert.Equal(t, cloudside.Cluster{
		Name: "company", ProviderARN: "arn:aws:iam::111111111111:oidc-provider/oidc.example.test/id/1",
		KubectlRoleARN: "arn:aws:iam::111111111111:role/kubectl", SecurityGroupID: "sg-1",
	}, cluster)
}

func TestEveryMissingExportIsNamedAndTheNearestClusters(t *testing.T) {
	exports := exported("AphexCluster-company-", "AphexCluster-other-", "Zebra-")
	delete(exports, "AphexCluster-company-OIDCProviderArn")
	_, err := cloudside.Discover(exports, "AphexCluster-company-")
	require.EqualError(t, err, "CloudFormation exports no AphexCluster-company-OIDCProviderArn")

	_, err = cloudside.Discover(exported("AphexCluster-company-", "AphexCluster-other-", "Zebra-"), "AphexCluster-compnay-")
	require.ErrorContains(t, err, "AphexCluster-compnay-ClusterName, no AphexCluster-compnay-OIDCProviderArn")
	assert.Equal(t, fault.Invalid, fault.KindOf(err))
	assert.Equal(t, "clusterExportPrefix may be one of: AphexCluster-company-, AphexCluster-other-, Zebra-", fault.HintOf(err))
}

func TestAnAccountWithoutAnyClusterSaysSo(t *testing.T) {
	_, err := cloudside.Discover(map[string]string{"Unrelated": "x"}, "AphexCluster-company-")
	assert.Contains(t, fault.HintOf(err), "is this the account and region of the cluster?")
}
