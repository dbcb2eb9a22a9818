package infra_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
)

var commit = strings.Repeat("a", 40)

func put(as aws.Config, bucket, key string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := s3.NewFromConfig(as).PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader([]byte("x"))})
		return err
	}
}

func get(as aws.Config, bucket, key string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := s3.NewFromConfig(as).GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
		return err
	}
}

func list(as aws.Config, bucket, prefix string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := s3.NewFromConfig(as).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
		return err
	}
}

func assume(as aws.Config, arn string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := sts.NewFromConfig(as).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("test")})
		return err
	}
}

func read(as aws.Config, secret string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := secretsmanager.NewFromConfig(as).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &secret})
		return err
	}
}

func describe(as aws.Config, stack string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := cloudformation.NewFromConfig(as).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack})
		return err
	}
}

func create(as aws.Config, stack string) func(t *testing.T) error {
	return func(t *testing.T) error {
		_, err := cloudformation.NewFromConfig(as).CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &stack, TemplateBody: aws.String(`{"Resources":{"B":{"Type":"AWS::S3::Bucket"}}}`),
		})
		return err
	}
}

func addSecret(t *testing.T, c cloud, name string) {
	t.Helper()
	c.deploy(c.admin(home), cfn.Goal{Name: "secret-" + strings.ReplaceAll(name, "/", "-"), Template: []byte(
		`{"Resources":{"S":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"` + name + `","SecretString":"{}"}}}}`)})
}

func bootstrapRole(kind, account string) string {
	return "arn:aws:iam::" + account + ":role/cdk-hnb659fds-" + kind + "-role-" + account + "-" + region
}

// TestThePermissionsOfEachIdentity checks a table of all permissions against the rendered
// policies and trust policies, as AWS evaluates them.
func TestThePermissionsOfEachIdentity(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop := configured(t, "shop", devOnly+`  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}`+"\n")
	market := configured(t, "market", devOnly)
	for _, p := range []pipeline{shop, market} {
		c.install(p)
		addSecret(t, c, p.cfg.GithubTokenSecretName)
	}
	addSecret(t, c, "shop/token-of-another")
	require.NoError(t, put(c.admin(home), "shop-artifacts", commit+"/a.tar.zst")(t))
	require.NoError(t, put(c.admin(home), "shop-artifacts", "metadata/workflows/shop-1.json")(t))
	build := c.as(shop, shop.names.BuilderRole, shop.names.Builder)
	deploy := c.as(shop, shop.names.DeployerRole, shop.names.Deployer)
	watch := c.as(shop, shop.names.ReconcilerRole, shop.names.Reconciler)

	for name, may := range map[string]func(*testing.T) error{
		"the build stores an artifact":                     put(build, "shop-artifacts", commit+"/b.tar.zst"),
		"the build checks whether it exists":               list(build, "shop-artifacts", commit+"/b"),
		"the build records its step":                       put(build, "shop-artifacts", "metadata/workflows/shop-1/build.json"),
		"the build reads the repository's token":           read(build, "shop/token"),
		"the deployment reads an artifact":                 get(deploy, "shop-artifacts", commit+"/a.tar.zst"),
		"the deployment stores outputs":                    put(deploy, "shop-artifacts", commit+"/dev/outputs.json"),
		"the deployment stores the commit that it reached": put(deploy, "shop-artifacts", "metadata/deployed/dev.json"),
		"the deployment stores durations":                  put(deploy, "shop-artifacts", "metadata/durations/dev.json"),
		"the deployment stores its stacks":                 put(deploy, "shop-artifacts", "metadata/stacks/dev.json"),
		"the deployment lists records":                     list(deploy, "shop-artifacts", "metadata/workflows/x/"),
		"the deployment assumes roles in its account":      assume(deploy, bootstrapRole("deploy", home)),
		"the deployment assumes roles in another account":  assume(deploy, bootstrapRole("deploy", prod)),
		"the deployment publishes files":                   assume(deploy, bootstrapRole("file-publishing", prod)),
		"the deployment publishes images":                  assume(deploy, bootstrapRole("image-publishing", prod)),
		"the deployment looks up context":                  assume(deploy, bootstrapRole("lookup", prod)),
		"the deployment reads its own stack":               describe(deploy, shop.names.Stack),
		"the reconciler lists records":                     list(watch, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the reconciler reads the record of a run":         get(watch, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the reconciler reads the repository's token":      read(watch, "shop/token"),
	} {
		assert.NoError(t, may(t), name)
	}
	for name, mayNot := range map[string]func(*testing.T) error{
		"the build deploys":                               create(build, "app"),
		"the build reads the pipeline's stack":            describe(build, shop.names.Stack),
		"the build assumes a role of an environment":      assume(build, bootstrapRole("deploy", home)),
		"the build assumes the deployer's role":           assume(build, shop.place.RoleARN(shop.names.DeployerRole)),
		"the build reads artifacts":                       get(build, "shop-artifacts", commit+"/a.tar.zst"),
		"the build writes outside the commits":            put(build, "shop-artifacts", "other/x"),
		"the build writes which commit is deployed":       put(build, "shop-artifacts", "metadata/deployed/dev.json"),
		"the build writes durations":                      put(build, "shop-artifacts", "metadata/durations/dev.json"),
		"the build writes deployed stacks":                put(build, "shop-artifacts", "metadata/stacks/dev.json"),
		"the reconciler writes deployed stacks":           put(watch, "shop-artifacts", "metadata/stacks/dev.json"),
		"the reconciler writes durations":                 put(watch, "shop-artifacts", "metadata/durations/dev.json"),
		"the build lists the whole bucket":                list(build, "shop-artifacts", ""),
		"the build reads another pipeline's bucket":       get(build, "market-artifacts", commit+"/a.tar.zst"),
		"the build writes to another pipeline's bucket":   put(build, "market-artifacts", commit+"/a.tar.zst"),
		"the build reads another pipeline's token":        read(build, "market/token"),
		"the build reads a secret with the same prefix":   read(build, "shop/token-of-another"),
		"the build reads the webhook's secret":            read(build, shop.names.Secret),
		"the deployment reads another pipeline's bucket":  get(deploy, "market-artifacts", commit+"/a.tar.zst"),
		"the deployment lists another pipeline's bucket":  list(deploy, "market-artifacts", commit),
		"the deployment reads the webhook's secret":       read(deploy, shop.names.Secret),
		"the deployment reads another pipeline's token":   read(deploy, "market/token"),
		"the deployment assumes a role of no environment": assume(deploy, "arn:aws:iam::222222222222:role/SomebodyElses"),
		"the deployment assumes the execution role":       assume(deploy, bootstrapRole("cfn-exec", prod)),
		"the deployment assumes roles of another account": assume(deploy, bootstrapRole("deploy", "333333333333")),
		"the deployment assumes another pipeline's role":  assume(deploy, market.place.RoleARN(market.names.DeployerRole)),
		"the deployment creates a stack directly":         create(deploy, "app"),
		"the deployment reads another pipeline's stack":   describe(deploy, market.names.Stack),
		"the deployment reads the cluster's stack":        describe(deploy, "cluster"),
		"another pipeline assumes this one's roles":       assume(c.as(market, market.names.DeployerRole, market.names.Deployer), bootstrapRole("deploy", prod)),
		"the reconciler reads artifacts":                  get(watch, "shop-artifacts", commit+"/a.tar.zst"),
		"the reconciler writes records":                   put(watch, "shop-artifacts", "metadata/workflows/shop-1.json"),
		"the reconciler assumes a role of an environment": assume(watch, bootstrapRole("lookup", home)),
	} {
		err := mayNot(t)
		assert.True(t, denied(err), "%s: %v", name, err)
	}
}

func TestARoleIsAssumedByItsServiceAccountAndNoOther(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop, market := configured(t, "shop", devOnly), configured(t, "market", devOnly)
	c.install(shop)
	c.install(market)
	for role, account := range map[string]string{
		shop.names.DeployerRole: "shop", shop.names.BuilderRole: "shop-build", shop.names.ReconcilerRole: "shop-watch",
	} {
		_, err := c.pod(shop, role, "argo", account)
		assert.NoError(t, err, role)
		for _, other := range []struct{ namespace, account string }{
			{"argo", "market"}, {"argo", "market-build"}, {"argo", "default"}, {"argo-events", account}, {"argo", account + "x"}, {"argo", "*"},
		} {
			_, err := c.pod(shop, role, other.namespace, other.account)
			assert.True(t, denied(err), "%s as %s: %v", role, other, err)
		}
	}
	_, err := c.pod(shop, shop.names.DeployerRole, "argo", shop.names.Builder)
	assert.True(t, denied(err), "the build assumes the deployer's role: %v", err)
	_, err = c.pod(shop, shop.names.UpdaterRole, "argo", shop.names.Deployer)
	assert.True(t, denied(err), "only CloudFormation assumes the updater's role: %v", err)
}

func TestARoleOfTheEnvironmentReplacesTheBootstrapRoles(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	p := configured(t, "shop", `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}], roleArn: "arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole", externalId: "id"}`+"\n")
	c.install(p)
	deploy := c.as(p, p.names.DeployerRole, p.names.Deployer)
	assert.NoError(t, assume(deploy, "arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole")(t))
	assert.True(t, denied(assume(deploy, bootstrapRole("deploy", prod))(t)))
}

func TestTheRoleOfTheCommandsOfAnEnvironmentIsAssumedBesides(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	const role = "arn:aws:iam::222222222222:role/AphexPipelineCrossAccountRole"
	for _, given := range []string{"", `, commandRoleArn: "` + role + `", externalId: "id"`} {
		p := configured(t, "shop", `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]`+given+"}\n")
		c.install(p)
		deploy := c.as(p, p.names.DeployerRole, p.names.Deployer)
		assert.Equal(t, given == "", denied(assume(deploy, role)(t)), given)
		assert.NoError(t, assume(deploy, bootstrapRole("deploy", prod))(t))
	}
}

func TestTheStackExportsItsNamesUniquely(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	shop, market := configured(t, "shop", devOnly), configured(t, "market", devOnly)
	values := map[string]string{}
	for _, p := range []pipeline{shop, market} {
		for _, output := range c.install(p).Outputs {
			assert.Equal(t, p.names.Stack+"-"+output.Key, output.ExportName)
			values[output.ExportName] = output.Value
		}
	}
	assert.Len(t, values, 10, "two pipelines share no export")
	assert.Equal(t, "shop-artifacts", values[shop.names.Stack+"-"+infra.OutputBucket])
	assert.Equal(t, shop.place.RoleARN(shop.names.DeployerRole), values[shop.names.Stack+"-"+infra.OutputRole])
	assert.Equal(t, "shop", values[shop.names.Stack+"-"+infra.OutputTemplate])
	assert.Contains(t, values[shop.names.Stack+"-"+infra.OutputInstructions], shop.names.Secret)

	secret, err := secretsmanager.NewFromConfig(c.admin(home)).GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &shop.names.Secret})
	require.NoError(t, err)
	assert.Len(t, *secret.SecretString, 64)
	for name, value := range values {
		assert.NotContains(t, value, *secret.SecretString, name)
	}
}
