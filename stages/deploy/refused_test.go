package deploy_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// oldDeployRights are what the deploy role of a bootstrap before version 30 may do.
var oldDeployRights = []string{
	"cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet", "cloudformation:DescribeChangeSet", "cloudformation:DescribeStacks",
	"cloudformation:ExecuteChangeSet", "cloudformation:CreateStack", "cloudformation:UpdateStack", "cloudformation:DescribeStackEvents",
	"cloudformation:GetTemplate", "cloudformation:DeleteStack", "cloudformation:UpdateTerminationProtection", "sts:GetCallerIdentity",
	"iam:PassRole", "ssm:GetParameter", "s3:GetObject*", "s3:GetBucket*", "s3:List*",
}

// makeOld gives the deploy role of the bootstrap the rights that it had before version 30.
func makeOld(t *testing.T, api *cloudformation.Client) {
	t.Helper()
	toolkit := aws.String("CDKToolkit")
	got, err := api.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: toolkit})
	require.NoError(t, err)
	var template map[string]any
	require.NoError(t, json.Unmarshal([]byte(*got.TemplateBody), &template))
	role := template["Resources"].(map[string]any)["DeploymentActionRole"].(map[string]any)["Properties"].(map[string]any)
	delete(role, "ManagedPolicyArns")
	role["Policies"] = []any{map[string]any{"PolicyName": "default", "PolicyDocument": map[string]any{
		"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Allow", "Resource": "*", "Action": oldDeployRights}},
	}}}
	text, err := json.Marshal(template)
	require.NoError(t, err)
	described, err := api.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: toolkit})
	require.NoError(t, err)
	var parameters []types.Parameter
	for _, p := range described.Stacks[0].Parameters {
		parameters = append(parameters, types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)})
	}
	_, err = api.UpdateStack(t.Context(), &cloudformation.UpdateStackInput{
		StackName: toolkit, TemplateBody: aws.String(string(text)), Parameters: parameters, Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	})
	require.NoError(t, err)
	require.NoError(t, cloudformation.NewStackUpdateCompleteWaiter(api).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: toolkit}, time.Minute,
		func(o *cloudformation.StackUpdateCompleteWaiterOptions) { o.MinDelay = 50 * time.Millisecond }))
}

func TestAChangeSetThatIsRefusedIsExplainedAsFarAsTheBootstrapAllows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.AddAccount(dev)
	api := cloudformation.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(w.URL()), Credentials: static.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
	})
	refused := func(shape string) error {
		w.shape(shape)
		out, err := w.run("dev")
		require.Error(t, err)
		assert.Equal(t, errs.Failed, errs.KindOf(err))
		assert.Equal(t, "failed", actions(out)["Api"])
		assert.NotContains(t, err.Error()+errs.HintOf(err), "DescribeEvents", "no hint names an API")
		assert.Eventually(t, func() bool {
			found, err := cfn.Find(t.Context(), api, "Api")
			return err == nil && found == nil
		}, patience, 50*time.Millisecond, "nothing is left")
		return err
	}

	err := refused("refused")
	assert.Regexp(t, `^the change set of stack "Api" was refused before anything changed:
  Bare \(AWS::Lambda::Function, Api/Bare, app\.js:\d+\): extraneous key \[Variable\] is not permitted \(property Environment\)
  Taken\w+ \(AWS::SQS::Queue, Api/Taken/Resource, app\.js:\d+\): Resource of type 'AWS::SQS::Queue' with identifier 'orders' already exists\. \(property QueueName\)\n`, err.Error())
	assert.Contains(t, errs.HintOf(err), "something of this name exists outside of the stack")

	err = refused("refused nested")
	assert.Regexp(t, `
  JobsNested\w+/Bare \(AWS::Lambda::Function, Api/Jobs/Bare, app\.js:\d+\): extraneous key \[Variable\] is not permitted \(property Environment\)
  JobsNested\w+/Taken\w+ \(AWS::SQS::Queue, Api/Jobs/Taken/Resource, app\.js:\d+\): Resource of type`, err.Error())

	makeOld(t, api)
	err = refused("refused")
	assert.Regexp(t, `^the change set of stack "Api" was refused before anything changed: The following hook\(s\)/validation failed: \[AWS::EarlyValidation::PropertyValidation, AWS::EarlyValidation::ResourceExistenceCheck\]\.\n`, err.Error())
	assert.Contains(t, errs.HintOf(err), "`cdk bootstrap aws://"+dev+"/eu-west-1`")
}
