package stacks_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awssim/stacks"
)

const looped = `
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "A,B"}}
Resources:
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - Topic${Name}: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Sub "${Name} of ${AWS::StackName}"}}
Outputs:
  Count: {Value: {"Fn::Length": !Ref Names}}
`

func TestAStackIsWhatTheTransformsOfItsTemplateLeadTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, stacks.Options{})
		defer c.engine.Close()
		_, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: aws.String("app"), TemplateBody: aws.String(looped)})
		refused(t, err, "InsufficientCapabilitiesException", "CAPABILITY_AUTO_EXPAND")
		set := c.review("app", "first", looped, types.ChangeSetTypeCreate, func(in *cfn.CreateChangeSetInput) { in.Capabilities = nil })
		assert.Equal(t, []string{"Add TopicA", "Add TopicB"}, summary(set), "a change set needs no acknowledgement")
		assert.Equal(t, "2", outputs(c.execute(set))["Count"])

		for stage, part := range map[types.TemplateStage]string{types.TemplateStageOriginal: "Fn::ForEach::Topics", types.TemplateStageProcessed: `"TopicA"`} {
			found, err := c.cfn.GetTemplate(t.Context(), &cfn.GetTemplateInput{StackName: aws.String("app"), TemplateStage: stage})
			require.NoError(t, err)
			assert.Contains(t, *found.TemplateBody, part)
		}
		told, err := c.cfn.GetTemplateSummary(t.Context(), &cfn.GetTemplateSummaryInput{TemplateBody: aws.String(looped)})
		require.NoError(t, err)
		assert.Equal(t, []string{"AWS::LanguageExtensions"}, told.DeclaredTransforms)
		assert.Equal(t, []string{"AWS::SNS::Topic"}, told.ResourceTypes)

		assert.Equal(t, types.ChangeSetStatusFailed, c.review("app", "same", looped, types.ChangeSetTypeUpdate).Status)
		more := c.review("app", "more", looped, types.ChangeSetTypeUpdate, func(in *cfn.CreateChangeSetInput) { in.Parameters = parameters("Names", "B,C") })
		assert.Equal(t, []string{"Remove TopicA Delete", "Add TopicC"}, summary(more))
	})
}

func TestASnippetThatChangedChangesTheStackThatIncludesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, stacks.Options{})
		defer c.engine.Close()
		body := `{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"Fn::Transform":{"Name":"AWS::Include","Parameters":{"Location":"s3://b/q.json"}}}}}}`
		c.host.templates["s3://b/q.json"] = `{"KmsMasterKeyId":"one"}`
		require.Equal(t, types.StackStatusCreateComplete, c.create("app", body).StackStatus, c.events("app"))
		c.host.templates["s3://b/q.json"] = `{"KmsMasterKeyId":"two"}`
		set := c.review("app", "next", body, types.ChangeSetTypeUpdate)
		require.Len(t, set.Changes, 1)
		assert.Equal(t, "two", *set.Changes[0].ResourceChange.Details[0].Target.AfterValue)
		delete(c.host.templates, "s3://b/q.json")
		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{StackName: aws.String("app"), TemplateBody: &body, Capabilities: allCapabilities})
		refused(t, err, "ValidationError", "S3 error: Access Denied")
	})
}

func TestAnApplicationThatRotatesSecretsIsANestedStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, stacks.Options{})
		defer c.engine.Close()
		s := c.create("app", `{"Transform":"AWS::Serverless-2016-10-31","Resources":{"Rotation":{"Type":"AWS::Serverless::Application","Properties":{
			"Location":{"ApplicationId":"arn:aws:serverlessrepo:us-east-1:297356227824:applications/SecretsManagerRDSPostgreSQLRotationSingleUser","SemanticVersion":"1.1.367"},
			"Parameters":{"endpoint":"https://e","functionName":"rotate"}}}},
			"Outputs":{"Arn":{"Value":{"Fn::GetAtt":["Rotation","Outputs.RotationLambdaARN"]}}}}`)
		assert.Equal(t, types.StackStatusCreateComplete, s.StackStatus, c.events("app"))
		assert.Equal(t, "arn:aws:lambda:eu-west-1:111111111111:function:rotate", outputs(s)["Arn"])
	})
}

func TestFunctionsAndApplicationsOfSAMAreDeployed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, stacks.Options{})
		defer c.engine.Close()
		c.host.objects["code/f.zip"] = true
		s := c.create("app", `
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Handler: a.b, Environment: {Variables: {STAGE: dev}}}}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Topic: {Type: AWS::SNS::Topic}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://code/f.zip
      Environment: {Variables: {NAME: f}}
      Policies: [AmazonS3ReadOnlyAccess, {Version: "2012-10-17", Statement: [{Effect: Allow, Action: "s3:*", Resource: "*"}]}]
      Events:
        Often: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 5}}
        News: {Type: SNS, Properties: {Topic: !Ref Topic}}
  Tuner:
    Type: AWS::Serverless::Application
    Properties:
      Location: {ApplicationId: "arn:aws:serverlessrepo:us-east-1:451282441545:applications/aws-lambda-power-tuning", SemanticVersion: 4.2.0}
      Parameters: {lambdaResource: "*", PowerValues: "128,256"}
Outputs: {Arn: {Value: !GetAtt F.Arn}}`)
		require.Equal(t, types.StackStatusCreateComplete, s.StackStatus, c.events("app"))
		assert.Len(t, c.resources("app"), 10)
		text, err := c.cfn.GetTemplate(t.Context(), &cfn.GetTemplateInput{StackName: aws.String("app"), TemplateStage: types.TemplateStageProcessed})
		require.NoError(t, err)
		assert.Contains(t, *text.TemplateBody, `"Variables":{"NAME":"f","STAGE":"dev"}`)
		assert.Contains(t, *text.TemplateBody, `policy/service-role/AWSLambdaSQSQueueExecutionRole`)
	})
}
