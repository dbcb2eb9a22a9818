// Package installtest provides a simulated AWS and an API server in which tests install
// pipelines: bootstrapped accounts, a cluster with its exports, Argo, and a GitHub token.
package installtest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/kube/kubetest"
)

// Accounts and region of the platform.
const (
	Home   = "111111111111" // of the pipelines and of their environment dev
	Prod   = "222222222222"
	Region = "eu-west-1"
)

// clusterStack is the stack of the cluster's team.
const clusterStack = `{"Resources":{"Provider":{"Type":"AWS::IAM::OIDCProvider","Properties":{
	"Url":"https://oidc.example.test/id/1","ClientIdList":["sts.amazonaws.com"],"ThumbprintList":["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]}}},
	"Outputs":{
	"N":{"Value":"company","Export":{"Name":"AphexCluster-company-ClusterName"}},
	"P":{"Value":{"Ref":"Provider"},"Export":{"Name":"AphexCluster-company-OIDCProviderArn"}},
	"K":{"Value":"arn:aws:iam::111111111111:role/kubectl","Export":{"Name":"AphexCluster-company-KubectlRoleArn"}},
	"S":{"Value":"sg-1","Export":{"Name":"AphexCluster-company-ClusterSecurityGroupId"}}}}`

// bootstrapStack is the part of the CDK bootstrap stack that the checks read.
const bootstrapStack = `{"Resources":{
	"V":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/cdk-bootstrap/hnb659fds/version","Type":"String","Value":"28"}},
	"L":{"Type":"AWS::IAM::Role","Properties":{"RoleName":{"Fn::Sub":"cdk-hnb659fds-lookup-role-${AWS::AccountId}-${AWS::Region}"},
	"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]},
	"Policies":[{"PolicyName":"read","PolicyDocument":{"Statement":{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}}}]}}}}`

const tokenStack = `{"Resources":{"T":{"Type":"AWS::SecretsManager::Secret","Properties":{"Name":"shop/token","SecretString":"{\"token\":\"x\"}"}}}}`

// Platform is a simulated AWS and an API server that acts as a cluster with Argo.
type Platform struct {
	AWS  *awssim.Server
	Kube *kubetest.Server
	t    testing.TB
}

// New starts a platform that lives as long as the test.
func New(t testing.TB) *Platform {
	t.Helper()
	server, err := awssim.New(awssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	p := &Platform{AWS: server, Kube: kubetest.New(t), t: t}
	p.Deploy(Home, "cluster", clusterStack)
	p.Deploy(Home, "CDKToolkit", bootstrapStack)
	p.Deploy(Prod, "CDKToolkit", bootstrapStack)
	p.Deploy(Home, "token", tokenStack)
	p.installArgo()
	return p
}

// installArgo installs the namespaces, Argo in one of its own, and an EventBus in the
// cluster. Load balancers get an address.
func (p *Platform) installArgo() {
	for namespace, image := range map[string]string{"argo": "quay.io/argoproj/workflow-controller:v3.7.18", "argo-events": "quay.io/argoproj/argo-events:v1.9.10"} {
		p.Kube.Put("/api/v1/namespaces/"+namespace, "kubectl", kubetest.Content{"kind": "Namespace", "metadata": kubetest.Content{"name": namespace}})
		p.Kube.Put("/apis/apps/v1/namespaces/argo-system/deployments/"+namespace, "kubectl", kubetest.Content{
			"kind": "Deployment", "metadata": kubetest.Content{"name": namespace, "namespace": "argo-system"},
			"spec": kubetest.Content{"template": kubetest.Content{"spec": kubetest.Content{"containers": []any{kubetest.Content{"image": image}}}}},
		})
	}
	p.Kube.Put("/apis/argoproj.io/v1alpha1/namespaces/argo-events/eventbus/default", "kubectl", kubetest.Content{
		"kind": "EventBus", "metadata": kubetest.Content{"name": "default"}, "spec": kubetest.Content{"jetstream": kubetest.Content{"maxPayload": "34MB"}},
	})
	p.Kube.Control = func(path string, object kubetest.Content) {
		kubetest.Accepting(path, object)
		if strings.Contains(path, "/services/") {
			object["status"] = kubetest.Content{"loadBalancer": kubetest.Content{"ingress": []any{kubetest.Content{"hostname": "lb.example.test"}}}}
		}
	}
}

// Admin returns the configuration of AWS clients for the administrator of an account. They
// retry a connection that fails as often as the programs do (package awsauth).
func (p *Platform) Admin(account, region string) aws.Config {
	keys, url := p.AWS.AddAccount(account), p.AWS.URL()
	return aws.Config{
		Region: region, BaseEndpoint: &url, RetryMaxAttempts: 8,
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	}
}

// Env returns the environment of a program that works in the account Home.
func (p *Platform) Env() []string { return p.AWS.AddAccount(Home).Env(p.AWS.URL(), Region) }

// Deploy creates a stack in an account, without the pauses of a deployment.
func (p *Platform) Deploy(account, name, template string) {
	p.t.Helper()
	p.DeployIn(account, Region, name, template)
}

// DeployIn is Deploy in a region.
func (p *Platform) DeployIn(account, region, name, template string) {
	p.t.Helper()
	client := cfn.NewClient(p.Admin(account, region))
	_, err := client.CreateStack(p.t.Context(), &cloudformation.CreateStackInput{
		StackName: &name, TemplateBody: &template, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	for status := types.StackStatusCreateInProgress; err == nil && status == types.StackStatusCreateInProgress; {
		time.Sleep(2 * time.Millisecond)
		var stack *types.Stack
		if stack, err = cfn.Find(p.t.Context(), client, name); err == nil {
			status = stack.StackStatus
		}
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Stack returns the name and outputs of the stack of the pipeline of a
// repository; "" and nil if there is none.
func (p *Platform) Stack(repository string) (name string, outputs map[string]string) {
	p.t.Helper()
	found, err := cfn.NewClient(p.Admin(Home, Region)).DescribeStacks(p.t.Context(), &cloudformation.DescribeStacksInput{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, stack := range found.Stacks {
		if strings.HasPrefix(aws.ToString(stack.StackName), "aphex-"+repository+"-") {
			outputs := map[string]string{}
			for _, output := range stack.Outputs {
				outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
			}
			return aws.ToString(stack.StackName), outputs
		}
	}
	return "", nil
}

// ProdEnvironment is a second environment, for the end of a configuration.
const ProdEnvironment = `  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}]}` + "\n"

// Named returns a configuration that sets every name, after the repository. It ends
// with its environments, so that more may follow.
func Named(repository string) string {
	return fmt.Sprintf(`version: "1.0"
githubOwner: my-org
githubRepo: %[1]s
githubTokenSecretName: shop/token
clusterName: company
webhookAllowHttp: true
workflowTemplateName: %[1]s
eventSourceName: %[1]s-github
sensorName: %[1]s-sensor
serviceAccountName: %[1]s
artifactBucketName: %[1]s-artifacts
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`, repository)
}

// Nameless returns a configuration with the required keys only.
func Nameless(repository string) string {
	return fmt.Sprintf(`version: "1.0"
githubOwner: my-org
githubRepo: %s
clusterName: company
webhookAllowHttp: true
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
`, repository)
}
