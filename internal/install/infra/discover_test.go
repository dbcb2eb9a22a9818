package infra_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
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
	cluster, err := infra.Discover(exported("AphexCluster-company-"), "AphexCluster-company-")
	require.NoError(t, err)
	assert.Equal(t, infra.Cluster{
		Name: "company", ProviderARN: "arn:aws:iam::111111111111:oidc-provider/oidc.example.test/id/1",
		KubectlRoleARN: "arn:aws:iam::111111111111:role/kubectl", SecurityGroupID: "sg-1",
	}, cluster)
}

func TestEveryMissingExportIsNamedAndTheNearestClusters(t *testing.T) {
	exports := exported("AphexCluster-company-", "AphexCluster-other-", "Zebra-")
	delete(exports, "AphexCluster-company-OIDCProviderArn")
	_, err := infra.Discover(exports, "AphexCluster-company-")
	require.EqualError(t, err, "CloudFormation exports no AphexCluster-company-OIDCProviderArn")

	_, err = infra.Discover(exported("AphexCluster-company-", "AphexCluster-other-", "Zebra-"), "AphexCluster-compnay-")
	require.ErrorContains(t, err, "AphexCluster-compnay-ClusterName, no AphexCluster-compnay-OIDCProviderArn")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Equal(t, "set clusterExportPrefix to one of: AphexCluster-company-, AphexCluster-other-, Zebra-", errs.HintOf(err))
}

func TestAnAccountWithoutAnyClusterSaysSo(t *testing.T) {
	_, err := infra.Discover(map[string]string{"Unrelated": "x"}, "AphexCluster-company-")
	assert.Contains(t, errs.HintOf(err), "check that they are those of the cluster")
}
