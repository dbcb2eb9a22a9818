package infra_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

const (
	home   = "111111111111"
	prod   = "222222222222"
	region = "eu-west-1"
	issuer = "oidc.eks.eu-west-1.amazonaws.com/id/ABCDEF0123456789"
)

// clusterStack is the stack of the cluster's team.
const clusterStack = `{"Resources":{"Provider":{"Type":"AWS::IAM::OIDCProvider","Properties":{
	"Url":"https://` + issuer + `","ClientIdList":["sts.amazonaws.com"],"ThumbprintList":["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]}}},
	"Outputs":{
	"N":{"Value":"company","Export":{"Name":"AphexCluster-company-ClusterName"}},
	"P":{"Value":{"Ref":"Provider"},"Export":{"Name":"AphexCluster-company-OIDCProviderArn"}},
	"K":{"Value":"arn:aws:iam::111111111111:role/kubectl","Export":{"Name":"AphexCluster-company-KubectlRoleArn"}},
	"S":{"Value":"sg-1","Export":{"Name":"AphexCluster-company-ClusterSecurityGroupId"}}}}`

// bootstrapStack has the roles of the CDK bootstrap, and another role that trusts the
// pipeline's account.
func bootstrapStack(account string) string {
	role := func(name string) string {
		return `{"Type":"AWS::IAM::Role","Properties":{"RoleName":"` + name + `","AssumeRolePolicyDocument":{"Statement":[
			{"Effect":"Allow","Principal":{"AWS":"` + home + `"},"Action":["sts:AssumeRole","sts:TagSession"]}]}}}`
	}
	suffix := "-role-" + account + "-" + region
	return `{"Resources":{"D":` + role("cdk-hnb659fds-deploy"+suffix) + `,"F":` + role("cdk-hnb659fds-file-publishing"+suffix) +
		`,"I":` + role("cdk-hnb659fds-image-publishing"+suffix) + `,"L":` + role("cdk-hnb659fds-lookup"+suffix) +
		`,"O":` + role("cdk-others-deploy"+suffix) + `,"X":` + strings.Replace(role("cdk-hnb659fds-cfn-exec"+suffix), `"AWS":"`+home+`"`, `"AWS":"`+home+`","Service":"cloudformation.amazonaws.com"`, 1) + `,"Y":` + role("SomebodyElses") + `,"Z":` + role("AphexPipelineCrossAccountRole") + `}}`
}

// cloud is a simulated AWS with a cluster and two accounts.
type cloud struct {
	*awssim.Server
	t *testing.T
}

func newCloud(t *testing.T) cloud {
	t.Helper()
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	_, err = server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	c := cloud{server, t}
	c.deploy(c.admin(home), cfn.Goal{Name: "cluster", Template: []byte(clusterStack)})
	for _, account := range []string{home, prod} {
		c.deploy(c.admin(account), cfn.Goal{Name: "CDKToolkit", Template: []byte(bootstrapStack(account))})
	}
	return c
}

func (c cloud) with(keys aws.CredentialsProvider) aws.Config {
	url := c.URL()
	return aws.Config{Region: region, BaseEndpoint: &url, Credentials: keys}
}

func (c cloud) admin(account string) aws.Config {
	keys := c.AddAccount(account)
	return c.with(credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""))
}

func (c cloud) deploy(as aws.Config, goal cfn.Goal) cfn.Result {
	c.t.Helper()
	upload := clients.TemplateUploader(as, bucket.OwnedBy(home), "shop-artifacts")
	result, err := cfn.Deploy(c.t.Context(), cloudformation.NewFromConfig(as), goal, cfn.Options{Upload: upload})
	require.NoError(c.t, err)
	return result
}

// pipeline is a configuration whose AWS stack is deployed.
type pipeline struct {
	cfg   *config.Config
	place plan.Place
	names plan.Names
}

func configured(t *testing.T, name string, environments string) pipeline {
	t.Helper()
	text := "version: \"1.0\"\ngithubOwner: my-org\ngithubRepo: " + name + "\ngithubTokenSecretName: " + name + "/token\nclusterName: company\n" +
		"workflowTemplateName: " + name + "\nserviceAccountName: " + name + "\nartifactBucketName: " + name + "-artifacts\nenvironments:\n" + environments
	cfg, err := config.Parse(config.File, []byte(text))
	require.NoError(t, err)
	at := plan.Place{Account: home, Region: region, Bucket: cfg.ArtifactBucketName, Config: config.File}
	return pipeline{cfg, at, plan.NamesOf(cfg, at)}
}

const devOnly = `  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}` + "\n"

// install deploys the pipeline's AWS stack as an administrator does, with the exports of
// the cluster.
func (c cloud) install(p pipeline) cfn.Result {
	c.t.Helper()
	template, err := infra.Template(p.cfg, p.place)
	require.NoError(c.t, err)
	return c.installTemplate(p, template)
}

func (c cloud) installTemplate(p pipeline, template []byte) cfn.Result {
	c.t.Helper()
	exports := map[string]string{}
	pages := cloudformation.NewListExportsPaginator(cloudformation.NewFromConfig(c.admin(home)), &cloudformation.ListExportsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		require.NoError(c.t, err)
		for _, export := range page.Exports {
			exports[aws.ToString(export.Name)] = aws.ToString(export.Value)
		}
	}
	cluster, err := infra.Discover(exports, p.cfg.ClusterExportPrefix)
	require.NoError(c.t, err)
	return c.deploy(c.admin(home), cfn.Goal{
		Name: p.names.Stack, Template: template, Parameters: map[string]string{infra.ParameterProvider: cluster.ProviderARN}, Tags: infra.Tags(p.names),
	})
}

// token returns the token that Kubernetes issues to pods of a service account.
func token(namespace, account string) string {
	claims, _ := json.Marshal(map[string]any{
		"iss": "https://" + issuer, "sub": "system:serviceaccount:" + namespace + ":" + account, "aud": []string{"sts.amazonaws.com"},
	})
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(claims) + "." + encode([]byte("signature"))
}

// deployer assumes the role of the deployments to an account as their pods do.
func (c cloud) deployer(p pipeline, account string) aws.Config {
	c.t.Helper()
	access := p.access(c.t, account)
	return c.as(p, p.names.DeployerRole(access), p.names.Deployer(access))
}

// access returns the pipeline's access to an account.
func (p pipeline) access(t *testing.T, account string) plan.Access {
	t.Helper()
	for _, access := range plan.AccessesOf(p.cfg) {
		if access.Account == account {
			return access
		}
	}
	t.Fatal("the pipeline has no access to " + account)
	return plan.Access{}
}

// pod assumes a role as a pod of a service account does.
func (c cloud) pod(p pipeline, role, namespace, account string) (aws.Config, error) {
	answer, err := sts.NewFromConfig(c.with(aws.AnonymousCredentials{})).AssumeRoleWithWebIdentity(c.t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(p.place.RoleARN(role)), RoleSessionName: aws.String("pod"), WebIdentityToken: aws.String(token(namespace, account)),
	})
	if err != nil {
		return aws.Config{}, err
	}
	keys := answer.Credentials
	return c.with(credentials.NewStaticCredentialsProvider(*keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)), nil
}

func (c cloud) as(p pipeline, role, account string) aws.Config {
	c.t.Helper()
	assumed, err := c.pod(p, role, p.cfg.ArgoNamespace, account)
	require.NoError(c.t, err)
	return assumed
}

func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied")
}
