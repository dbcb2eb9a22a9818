package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awssim"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

const (
	homeAccount = "111111111111"
	prodAccount = "222222222222"
	someRegion  = "eu-west-1"
)

// clusterStack is what the team of the cluster has deployed.
const clusterStack = `{"Resources":{"Provider":{"Type":"AWS::IAM::OIDCProvider","Properties":{
	"Url":"https://oidc.example.test/id/1","ClientIdList":["sts.amazonaws.com"],"ThumbprintList":["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]}}},
	"Outputs":{
	"N":{"Value":"company","Export":{"Name":"AphexCluster-company-ClusterName"}},
	"P":{"Value":{"Ref":"Provider"},"Export":{"Name":"AphexCluster-company-OIDCProviderArn"}},
	"K":{"Value":"arn:aws:iam::111111111111:role/kubectl","Export":{"Name":"AphexCluster-company-KubectlRoleArn"}},
	"S":{"Value":"sg-1","Export":{"Name":"AphexCluster-company-ClusterSecurityGroupId"}}}}`

// bootstrapStack stands for the part of the CDK bootstrap that is looked at.
const bootstrapStack = `{"Resources":{
	"V":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/cdk-bootstrap/hnb659fds/version","Type":"String","Value":"28"}},
	"L":{"Type":"AWS::IAM::Role","Properties":{"RoleName":{"Fn::Sub":"cdk-hnb659fds-lookup-role-${AWS::AccountId}-${AWS::Region}"},
	"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]},
	"Policies":[{"PolicyName":"read","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}}}]}}}}`

const tokenStack = `{"Resources":{"T":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"shop/token","SecretString":"{\"token\":\"x\"}"}}}}`

// platform is a simulated AWS and an API server that plays a cluster with Argo.
type platform struct {
	t    *testing.T
	aws  *awssim.Server
	kube *kubetest.Server
	dir  string
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	url, err := server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	p := &platform{t: t, aws: server, kube: kubetest.New(t), dir: t.TempDir()}
	for _, entry := range server.AddAccount(homeAccount).Env(url, someRegion) {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	t.Setenv("KUBECONFIG", p.kube.Kubeconfig(t))
	p.stack(homeAccount, "cluster", clusterStack)
	p.stack(homeAccount, "CDKToolkit", bootstrapStack)
	p.stack(prodAccount, "CDKToolkit", bootstrapStack)
	p.stack(homeAccount, "token", tokenStack)
	p.cluster()
	return p
}

func (p *platform) admin(account string) aws.Config {
	keys, url := p.aws.AddAccount(account), p.aws.URL()
	return aws.Config{Region: someRegion, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, "")}
}

func (p *platform) stack(account, name, template string) {
	p.t.Helper()
	_, err := cfn.Deploy(p.t.Context(), cloudformation.NewFromConfig(p.admin(account)), cfn.Goal{Name: name, Template: []byte(template)}, cfn.Options{})
	require.NoError(p.t, err)
}

// cluster has Argo in it, and gives load balancers an address.
func (p *platform) cluster() {
	for _, namespace := range []string{"argo", "argo-events"} {
		p.kube.Put("/api/v1/namespaces/"+namespace, "kubectl", kubetest.Content{"kind": "Namespace", "metadata": kubetest.Content{"name": namespace}})
	}
	for namespace, image := range map[string]string{"argo": "quay.io/argoproj/workflow-controller:v3.7.18", "argo-events": "quay.io/argoproj/argo-events:v1.9.10"} {
		p.kube.Put("/apis/apps/v1/namespaces/"+namespace+"/deployments/controller", "kubectl", kubetest.Content{
			"kind": "Deployment", "metadata": kubetest.Content{"name": "controller", "namespace": namespace},
			"spec": kubetest.Content{"template": kubetest.Content{"spec": kubetest.Content{"containers": []any{kubetest.Content{"image": image}}}}},
		})
	}
	p.kube.Put("/apis/argoproj.io/v1alpha1/namespaces/argo-events/eventbus/default", "kubectl", kubetest.Content{
		"kind": "EventBus", "metadata": kubetest.Content{"name": "default"}, "spec": kubetest.Content{"jetstream": kubetest.Content{"maxPayload": "34MB"}},
	})
	p.kube.Control = func(path string, object kubetest.Content) {
		kubetest.Accepting(path, object)
		if strings.Contains(path, "/services/") {
			object["status"] = kubetest.Content{"loadBalancer": kubetest.Content{"ingress": []any{kubetest.Content{"hostname": "lb.example.test"}}}}
		}
	}
}

// shop is a configuration with everything; market is a neighbour of it.
func (p *platform) configuration(name, more string) string {
	text := fmt.Sprintf(`version: "1.0"
githubOwner: my-org
githubRepo: %[1]s
githubTokenSecretName: shop/token
clusterName: company
workflowTemplateName: %[1]s
eventSourceName: %[1]s-github
sensorName: %[1]s-sensor
serviceAccountName: %[1]s
artifactBucketName: %[1]s-artifacts
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
%[2]s`, name, more)
	path := filepath.Join(p.dir, name+".yaml")
	require.NoError(p.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const prodEnvironment = `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}` + "\n"

// call runs the generator and gives what it printed.
func (p *platform) call(args ...string) (stdout, stderr string, err error) {
	p.t.Helper()
	var out, talk bytes.Buffer
	err = run(context.Background(), args, streams{strings.NewReader(""), &out, &talk})
	return out.String(), talk.String(), err
}

func (p *platform) stackOf(name string) map[string]string {
	p.t.Helper()
	found, err := cloudformation.NewFromConfig(p.admin(homeAccount)).DescribeStacks(p.t.Context(), &cloudformation.DescribeStacksInput{})
	require.NoError(p.t, err)
	for _, stack := range found.Stacks {
		if strings.HasPrefix(aws.ToString(stack.StackName), "aphex-"+name+"-") {
			outputs := map[string]string{}
			for _, output := range stack.Outputs {
				outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
			}
			return outputs
		}
	}
	return nil
}

func TestBootstrapBringsEverythingAndCanBeRunAgain(t *testing.T) {
	p := newPlatform(t)
	config := p.configuration("shop", prodEnvironment)
	out, talk, err := p.call("bootstrap", "-c", config, "--yes")
	require.NoError(t, err, talk)
	assert.Contains(t, talk, "ok       account 222222222222 in eu-west-1: CDK bootstrap version 28")
	assert.Contains(t, talk, "ok       Argo Workflows v3.7.18")
	assert.Contains(t, out, "https://github.com/my-org/shop/settings/hooks/new")
	assert.Contains(t, out, "http://lb.example.test:12000/push")

	outputs := p.stackOf("shop")
	assert.Equal(t, "http://lb.example.test:12000/push", outputs["ArgoEventsWebhookUrl"])
	account := p.kube.Object("/api/v1/namespaces/argo/serviceaccounts/shop")
	assert.Equal(t, outputs["WorkflowExecutionRoleArn"], account.GetAnnotations()["eks.amazonaws.com/role-arn"])
	secret := p.kube.Object("/api/v1/namespaces/argo-events/secrets/shop-github-webhook")
	assert.NotEmpty(t, secret.Object["data"])
	value := secret.Object["data"].(kubetest.Content)["secret"].(string)
	assert.NotContains(t, out+talk, value)

	p.kube.Forget()
	_, talk, err = p.call("bootstrap", "-c", config, "--yes")
	require.NoError(t, err)
	assert.Contains(t, talk, "objects  all there already")
	for _, line := range strings.Split(talk, "\n") {
		assert.NotContains(t, []string{"created", "changed", "updated"}, strings.Fields(line + " .")[0], line)
	}
}

func TestBootstrapTellsEveryProblemAtOnceAndBringsNothing(t *testing.T) {
	p := newPlatform(t)
	config := p.configuration("shop", strings.ReplaceAll(prodEnvironment, prodAccount, "333333333333"))
	p.aws.AddAccount("333333333333")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	broken := strings.NewReplacer("clusterName: company", "clusterName: compnay", "shop/token", "shop/tokne", "githubRepo: shop", "githubRepo: shop\nargoEventsNamespace: events").Replace(string(text))
	require.NoError(t, os.WriteFile(config, []byte(broken), 0o600))
	_, talk, err := p.call("bootstrap", "-c", config, "--yes")

	require.ErrorContains(t, err, "5 of the checks failed, and nothing was brought")
	assert.Equal(t, fault.Invalid, fault.KindOf(err))
	for _, want := range []string{
		"CloudFormation exports no AphexCluster-compnay-ClusterName", "clusterExportPrefix may be one of: AphexCluster-company-",
		"the secret does not exist", "aws secretsmanager create-secret",
		"failed   account 333333333333 in eu-west-1", "bootstrap account 333333333333 with `cdk bootstrap --trust 111111111111",
		"failed   namespace events: it does not exist", "failed   EventBus default in events",
	} {
		assert.Contains(t, talk, want)
	}
	assert.Nil(t, p.stackOf("shop"))
	assert.Empty(t, p.kube.Writes())
}

func TestChecksAloneBringNothing(t *testing.T) {
	p := newPlatform(t)
	_, _, err := p.call("bootstrap", "-c", p.configuration("shop", ""), "--checks")
	require.NoError(t, err)
	assert.Nil(t, p.stackOf("shop"))
	assert.Empty(t, p.kube.Writes())
}

func TestNobodyIsAskedWithoutATerminal(t *testing.T) {
	p := newPlatform(t)
	_, _, err := p.call("bootstrap", "-c", p.configuration("shop", ""))
	require.ErrorContains(t, err, "nobody can be asked")
	assert.Contains(t, fault.HintOf(err), "--yes")
	assert.Empty(t, p.kube.Writes())
}

func TestDiffApplyAndDeleteFollowTheConfiguration(t *testing.T) {
	p := newPlatform(t)
	config := p.configuration("shop", "")
	_, _, err := p.call("diff", "-c", config)
	require.ErrorIs(t, err, errDiffers)
	_, talk, err := p.call("apply", "-c", config)
	require.NoError(t, err)
	assert.Contains(t, talk, "sensor/shop-sensor created")
	assert.Contains(t, talk, "generator bootstrap brings it", "the webhook's secret is still missing")
	out, _, err := p.call("diff", "-c", config)
	require.NoError(t, err)
	assert.Empty(t, out)

	config = p.configuration("shop", prodEnvironment)
	out, _, err = p.call("diff", "-c", config)
	require.ErrorIs(t, err, errDiffers)
	assert.Contains(t, out, "+        name: deploy-prod\n")
	_, _, err = p.call("apply", "-c", config)
	require.NoError(t, err)

	_, _, err = p.call("apply", "-c", p.configuration("market", ""))
	require.NoError(t, err)
	_, talk, err = p.call("delete", "-c", config, "--yes")
	require.NoError(t, err)
	assert.Contains(t, talk, "sensor/shop-sensor removed")
	for _, path := range p.kube.Paths() {
		assert.NotContains(t, path, "shop")
	}
	assert.Equal(t, []string{"market-sensor"}, p.kube.Has("sensors"))
}

func TestAnErrorOfADiffIsNoDifference(t *testing.T) {
	p := newPlatform(t)
	p.kube.Refuse = func(r kubetest.Request) int {
		if r.Method == "PATCH" {
			return 403
		}
		return 0
	}
	_, _, err := p.call("diff", "-c", p.configuration("shop", ""))
	require.ErrorContains(t, err, "no right to change")
	assert.Equal(t, fault.Invalid, fault.KindOf(err), "exit code 2")
}

func TestAPipelineGoesWithItsAWSSideAndKeepsItsBucketUnlessTold(t *testing.T) {
	p := newPlatform(t)
	config := p.configuration("shop", "")
	_, _, err := p.call("bootstrap", "-c", config, "--yes")
	require.NoError(t, err)
	_, talk, err := p.call("delete", "-c", config, "--aws", "--yes")
	require.NoError(t, err)
	assert.Contains(t, talk, "bucket shop-artifacts stays")
	assert.Nil(t, p.stackOf("shop"))

	_, talk, err = p.call("bootstrap", "-c", config, "--yes")
	require.Error(t, err)
	assert.Contains(t, talk, "bucket shop-artifacts: it exists and is not of this pipeline's stack")

	_, talk, err = p.call("delete", "-c", config, "--aws", "--bucket", "--yes")
	require.NoError(t, err)
	assert.Contains(t, talk, "bucket shop-artifacts removed")
	_, _, err = p.call("bootstrap", "-c", config, "--yes")
	require.NoError(t, err)
}

func TestAPipelineThatIsRenamedLeavesNothingBehind(t *testing.T) {
	p := newPlatform(t)
	config := p.configuration("shop", prodEnvironment)
	_, talk, err := p.call("bootstrap", "-c", config, "--yes")
	require.NoError(t, err, talk)
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	for _, key := range []string{"workflowTemplateName", "eventSourceName", "sensorName", "serviceAccountName"} {
		text = bytes.ReplaceAll(text, []byte(key+": shop"), []byte(key+": store"))
	}
	require.NoError(t, os.WriteFile(config, text, 0o600))

	_, talk, err = p.call("bootstrap", "-c", config, "--yes")
	require.NoError(t, err, talk)
	for _, path := range p.kube.Paths() {
		assert.NotContains(t, path, "shop")
	}
	outputs := p.stackOf("shop")
	assert.Equal(t, "store", outputs["WorkflowTemplateName"], "the stack stays, as the pipeline does")
	account := p.kube.Object("/api/v1/namespaces/argo/serviceaccounts/store")
	assert.Equal(t, outputs["WorkflowExecutionRoleArn"], account.GetAnnotations()["eks.amazonaws.com/role-arn"])
	assert.Nil(t, p.stackOf("store"))
}

func TestAPipelineIsTheSameWhereverTheVerbIsCalled(t *testing.T) {
	p := newPlatform(t)
	p.configuration("shop", "")
	require.NoError(t, exec.Command("git", "init", "-q", p.dir).Run())
	require.NoError(t, os.Mkdir(filepath.Join(p.dir, "services"), 0o755))
	require.NoError(t, os.Rename(filepath.Join(p.dir, "shop.yaml"), filepath.Join(p.dir, "services", "shop.yaml")))
	t.Chdir(p.dir)
	fromTop, _, err := p.call("render", "-c", "services/shop.yaml")
	require.NoError(t, err)
	assert.Contains(t, fromTop, "aphex.dev/config: services/shop.yaml")
	t.Chdir("services")
	fromFolder, _, err := p.call("render", "-c", "shop.yaml")
	require.NoError(t, err)
	assert.Equal(t, fromTop, fromFolder)
}

func TestAnOldConfigurationIsCompletedByFlags(t *testing.T) {
	p := newPlatform(t)
	path := filepath.Join(p.dir, "old.yaml")
	require.NoError(t, os.WriteFile(path, []byte("version: \"1.0\"\nbuild: {commands: [npm ci]}\nenvironments:\n  - {name: dev, account: \"111111111111\", region: eu-west-1, stacks: [{name: Api, path: lib}]}\n"), 0o600))
	_, _, err := p.call("apply", "-c", path)
	require.ErrorContains(t, err, "there is no githubOwner")
	flags := []string{"-c", path, "--github-owner", "my-org", "--github-repo", "old", "--cluster-name", "company"}
	_, _, err = p.call(append([]string{"apply"}, flags...)...)
	require.NoError(t, err)
	out, _, err := p.call(append([]string{"render"}, flags...)...)
	require.NoError(t, err)
	assert.Contains(t, out, "kind: Sensor")
	assert.Contains(t, out, "name: APHEX_GITHUB_OWNER\n        value: my-org\n", "the pipeline completes it the same way when it updates itself")
}

// nameless is a configuration with nothing but what it must have.
func (p *platform) nameless(repository, more string) string {
	text := fmt.Sprintf(`version: "1.0"
githubOwner: my-org
githubRepo: %s
clusterName: company
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
%s`, repository, more)
	path := filepath.Join(p.dir, "aphex-config.yaml")
	require.NoError(p.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTwoPipelinesWithoutNamesStandSideBySideOnOneClusterAndAccount(t *testing.T) {
	p := newPlatform(t)
	for _, repository := range []string{"shop", "market"} {
		_, talk, err := p.call("bootstrap", "-c", p.nameless(repository, ""), "--yes")
		require.NoError(t, err, talk)
	}
	assert.ElementsMatch(t, []string{"shop-sensor", "market-sensor"}, p.kube.Has("sensors"))
	assert.Equal(t, "aphex-shop-111111111111-eu-west-1", p.stackOf("shop")["ArtifactBucketName"])
	assert.Equal(t, "aphex-market-111111111111-eu-west-1", p.stackOf("market")["ArtifactBucketName"])
}

func TestAnInstalledPipelineKeepsItsNamesWhereItsFileLeavesThemOut(t *testing.T) {
	former := "eventSourceName: github\nsensorName: aphex-pipeline-sensor\nserviceAccountName: workflow-executor\nworkflowNamePrefix: aphex-pipeline-\nartifactBucketName: aphex-pipeline-artifacts-111111111111-eu-west-1\n"
	for _, template := range []string{"aphex-pipeline-template", "store"} {
		p := newPlatform(t)
		_, talk, err := p.call("bootstrap", "-c", p.nameless("shop", former+"workflowTemplateName: "+template+"\n"), "--yes")
		require.NoError(t, err, talk)
		before := p.kube.Paths()

		config := p.nameless("shop", "")
		out, _, err := p.call("diff", "-c", config)
		require.NoError(t, err)
		assert.Empty(t, out)
		_, _, err = p.call("apply", "-c", config)
		require.NoError(t, err)
		_, talk, err = p.call("bootstrap", "-c", config, "--yes")
		require.NoError(t, err, talk)
		assert.Contains(t, talk, "the pipeline is installed as "+template+", and keeps its names")
		assert.Contains(t, talk, "objects  all there already")
		assert.Equal(t, before, p.kube.Paths())
		_, talk, err = p.call("delete", "-c", config, "--aws", "--bucket", "--yes")
		require.NoError(t, err)
		assert.Contains(t, talk, "bucket aphex-pipeline-artifacts-111111111111-eu-west-1 removed")
	}
}

func TestAnApplyNamesWhatAnotherPipelineOwnsAndWhatToSet(t *testing.T) {
	p := newPlatform(t)
	_, _, err := p.call("apply", "-c", p.nameless("shop", ""))
	require.NoError(t, err)
	config := p.nameless("shop", "")
	text, err := os.ReadFile(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(string(text), "my-org", "other-org", 1)), 0o600))
	_, _, err = p.call("apply", "-c", config)
	require.ErrorContains(t, err, `belongs to the pipeline "shop-`)
	assert.Contains(t, fault.HintOf(err), "set workflowTemplateName")

	require.NoError(t, os.WriteFile(config, []byte(strings.Replace(string(text), "my-org", "other-org", 1)+"workflowTemplateName: other-shop\n"), 0o600))
	_, talk, err := p.call("apply", "-c", config)
	require.NoError(t, err, talk)
	assert.ElementsMatch(t, []string{"shop-sensor", "other-shop-sensor"}, p.kube.Has("sensors"))
}
