package cloudformation_test

import (
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
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
		c := newCloud(t, cloudformation.Options{})
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
		described, err := c.cfn.GetTemplateSummary(t.Context(), &cfn.GetTemplateSummaryInput{TemplateBody: aws.String(looped)})
		require.NoError(t, err)
		assert.Equal(t, []string{"AWS::LanguageExtensions"}, described.DeclaredTransforms)
		assert.Equal(t, []string{"AWS::SNS::Topic"}, described.ResourceTypes)

		assert.Equal(t, types.ChangeSetStatusFailed, c.review("app", "same", looped, types.ChangeSetTypeUpdate).Status)
		more := c.review("app", "more", looped, types.ChangeSetTypeUpdate, func(in *cfn.CreateChangeSetInput) { in.Parameters = parameters("Names", "B,C") })
		assert.Equal(t, []string{"Remove TopicA Delete", "Add TopicC"}, summary(more))
	})
}

func TestASnippetThatChangedChangesTheStackThatIncludesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
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
		c := newCloud(t, cloudformation.Options{})
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
		c := newCloud(t, cloudformation.Options{})
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

func TestAChangeSetFailsWithWhatTheServerlessTransformRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		const body = `{"Transform":"AWS::Serverless-2016-10-31","Resources":{"C":{"Type":"AWS::Serverless::GraphQLApi"}}}`
		const reason = "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document. " +
			"Number of errors found: 1. Resource with id [C] is invalid. the simulator's transform does not support the resource type AWS::Serverless::GraphQLApi"
		set := c.review("app", "first", body, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, set.Status)
		assert.Equal(t, types.ExecutionStatusUnavailable, set.ExecutionStatus)
		assert.Equal(t, reason, *set.StatusReason)
		assert.Equal(t, types.StackStatusReviewInProgress, c.describe("app").StackStatus)
		_, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: aws.String("other"), TemplateBody: aws.String(body), Capabilities: allCapabilities})
		refused(t, err, "ValidationError", reason)

		require.Equal(t, types.StackStatusCreateComplete, c.create("good", `{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`).StackStatus)
		assert.Equal(t, reason, *c.review("good", "next", body, types.ChangeSetTypeUpdate).StatusReason)
		assert.Equal(t, types.StackStatusCreateComplete, c.describe("good").StackStatus)
	})
}

func TestEveryEventOfServerlessFunctionsIsDeployed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.host.objects["code/f.zip"] = true
		c.host.templates["https://code.s3.amazonaws.com/app.json"] = `{"Parameters":{"Name":{"Type":"String"}},"Resources":{"T":{"Type":"AWS::SNS::Topic"}},"Outputs":{"Arn":{"Value":{"Ref":"T"}}}}`
		s := c.create("app", `
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12, Handler: a.b, CodeUri: s3://code/f.zip}, Api: {TracingEnabled: true}}
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Queue: {Type: AWS::SQS::Queue}
  Topic: {Type: AWS::SNS::Topic}
  Logs: {Type: AWS::Logs::LogGroup}
  Users: {Type: AWS::Cognito::UserPool}
  Table: {Type: AWS::Serverless::SimpleTable, Properties: {PrimaryKey: {Name: id, Type: String}, SSESpecification: {SSEEnabled: true}}}
  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: s3://code/f.zip, CompatibleRuntimes: [python3.12]}}
  Stream: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Api: {Type: AWS::Serverless::Api, Properties: {StageName: dev, Name: api, EndpointConfiguration: REGIONAL, Cors: "'*'", Variables: {A: b}}}
  Web: {Type: AWS::Serverless::HttpApi, Properties: {CorsConfiguration: true, StageName: dev}}
  Flow:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: A, States: {A: {Type: Task, Resource: !GetAtt F.Arn, End: true}}}
      Policies: [{LambdaInvokePolicy: {FunctionName: !Ref F}}]
      Events: {Daily: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day)}}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      Layers: [!Ref Layer]
      Tracing: Active
      AutoPublishAlias: live
      DeploymentPreference: {Type: Linear10PercentEvery1Minute, Hooks: {PreTraffic: !Ref Plain}}
      FunctionUrlConfig: {AuthType: NONE, Cors: {AllowOrigins: ["*"]}}
      EventInvokeConfig: {MaximumRetryAttempts: 1, DestinationConfig: {OnFailure: {Type: SQS}}}
      Policies: [{DynamoDBCrudPolicy: {TableName: !Ref Table}}, {SQSSendMessagePolicy: {QueueName: !GetAtt Queue.QueueName}}]
      Events:
        Often: {Type: Schedule, Properties: {Schedule: rate(1 day), Enabled: false, DeadLetterConfig: {Type: SQS}}}
        Daily: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), DeadLetterConfig: {Type: SQS}}}
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 5}}
        News: {Type: SNS, Properties: {Topic: !Ref Topic, SqsSubscription: true}}
        Clicks: {Type: Kinesis, Properties: {Stream: !GetAtt Stream.Arn, StartingPosition: LATEST}}
        Rule: {Type: EventBridgeRule, Properties: {Pattern: {source: [aws.s3]}, RetryPolicy: {MaximumRetryAttempts: 2}}}
        Lines: {Type: CloudWatchLogs, Properties: {LogGroupName: !Ref Logs, FilterPattern: ERROR}}
        Own: {Type: Api, Properties: {Path: "/items/{id}", Method: any, RestApiId: !Ref Api}}
        Page: {Type: Api, Properties: {Path: /page, Method: get}}
        Web: {Type: HttpApi, Properties: {Path: /web, Method: post, ApiId: !Ref Web}}
        Rest: {Type: HttpApi}
        Device: {Type: IoTRule, Properties: {Sql: SELECT * FROM 'a'}}
        Skill: {Type: AlexaSkill}
  Plain:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Image: {Type: S3, Properties: {Bucket: !Ref Bucket, Events: ["s3:ObjectCreated:*"]}}
        Join: {Type: Cognito, Properties: {UserPool: !Ref Users, Trigger: [PreSignUp, PostConfirmation]}}
  Nested: {Type: AWS::Serverless::Application, Properties: {Location: "https://code.s3.amazonaws.com/app.json", Parameters: {Name: n}}}
Outputs:
  Url: {Value: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/${ServerlessRestApi.Stage}"}
  Alias: {Value: !Ref F.Alias}
  Nested: {Value: !GetAtt Nested.Outputs.Arn}
`)
		require.Equal(t, types.StackStatusCreateComplete, s.StackStatus, c.events("app"))
		assert.Regexp(t, `/Prod$`, outputs(s)["Url"])
		assert.Regexp(t, `:live$`, outputs(s)["Alias"])
		assert.Regexp(t, `^arn:aws:sns:`, outputs(s)["Nested"])
		set := c.review("app", "same", templateOf(c, "app"), types.ChangeSetTypeUpdate)
		assert.Equal(t, "No updates are to be performed.", *set.StatusReason, "the transform leads to the same again")
	})
}

// templateOf is the template that a stack was given.
func templateOf(c *cloud, name string) string {
	found, err := c.cfn.GetTemplate(c.t.Context(), &cfn.GetTemplateInput{StackName: aws.String(name)})
	require.NoError(c.t, err)
	return *found.TemplateBody
}
