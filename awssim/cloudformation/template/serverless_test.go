package template

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serverlessTemplate is a template with resources in YAML.
func serverlessTemplate(resources string) string {
	return "Transform: AWS::Serverless-2016-10-31\n" +
		"Parameters: {Stage: {Type: String, Default: live}}\nConditions: {Wanted: !Equals [!Ref Stage, live]}\n" +
		"Resources:\n" + resources
}

// digests end logical ids that change with what they stand for.
var digests = regexp.MustCompile(`((?:Version|Deployment|Layer|deployment id: ))[0-9a-f]{10,40}\b`)

// serverlessResources are what a template leads to, with # for digests.
func serverlessResources(t *testing.T, resources string) map[string]map[string]any {
	t.Helper()
	text, err := processed(serverlessTemplate(resources))
	require.NoError(t, err, resources)
	var result struct{ Resources map[string]map[string]any }
	require.NoError(t, json.Unmarshal([]byte(digests.ReplaceAllString(text, "$1#")), &result))
	return result.Resources
}

const plainFunction = "  F: {Type: AWS::Serverless::Function, Properties: {InlineCode: x, Handler: a.b, Runtime: python3.12, %s}}\n"

// The logical ids of
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html.
func TestServerlessResourcesLeadToTheResourcesThatAreDocumented(t *testing.T) {
	t.Parallel()
	function := func(members string, more ...string) string {
		return fmt.Sprintf(plainFunction, members) + strings.Join(more, "")
	}
	event := func(typ, properties string, more ...string) string {
		return function(fmt.Sprintf("Events: {E: {Type: %s, Properties: {%s}}}", typ, properties), more...)
	}
	const bucket, pool = "  B: {Type: AWS::S3::Bucket}\n", "  U: {Type: AWS::Cognito::UserPool}\n"
	for name, c := range map[string]struct{ resources, want string }{
		"a function":                     {function(""), "F Lambda::Function, FRole IAM::Role"},
		"a function with a role":         {function("Role: !Sub arn:x"), "F Lambda::Function"},
		"a published function":           {function("AutoPublishAlias: !Ref Stage"), "F Lambda::Function, FAliaslive Lambda::Alias, FRole IAM::Role, FVersion# Lambda::Version"},
		"a function that is shifted to":  {function("AutoPublishAlias: live, DeploymentPreference: {Type: Canary10Percent10Minutes}"), "CodeDeployServiceRole IAM::Role, F Lambda::Function, FAliaslive Lambda::Alias, FDeploymentGroup CodeDeploy::DeploymentGroup, FRole IAM::Role, FVersion# Lambda::Version, ServerlessDeploymentApplication CodeDeploy::Application"},
		"a function with an address":     {function("FunctionUrlConfig: {AuthType: NONE}"), "F Lambda::Function, FRole IAM::Role, FURLInvokeAllowPublicAccess Lambda::Permission, FUrl Lambda::Url, FUrlPublicPermissions Lambda::Permission"},
		"a function with an own address": {function("FunctionUrlConfig: {AuthType: AWS_IAM}"), "F Lambda::Function, FRole IAM::Role, FUrl Lambda::Url"},
		"destinations that are made":     {function("EventInvokeConfig: {DestinationConfig: {OnSuccess: {Type: SQS}, OnFailure: {Type: SNS}}}"), "F Lambda::Function, FEventInvokeConfig Lambda::EventInvokeConfig, FEventInvokeConfigOnFailureTopic SNS::Topic, FEventInvokeConfigOnSuccessQueue SQS::Queue, FRole IAM::Role"},
		"a schedule":                     {event("Schedule", "Schedule: rate(1 day)"), "F Lambda::Function, FE Events::Rule, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a schedule with a queue":        {event("Schedule", "Schedule: rate(1 day), DeadLetterConfig: {Type: SQS}"), "F Lambda::Function, FE Events::Rule, FEPermission Lambda::Permission, FEQueue SQS::Queue, FEQueuePolicy SQS::QueuePolicy, FRole IAM::Role"},
		"a schedule of the scheduler":    {event("ScheduleV2", "ScheduleExpression: rate(1 day)"), "F Lambda::Function, FE Scheduler::Schedule, FERole IAM::Role, FRole IAM::Role"},
		"a rule":                         {event("EventBridgeRule", "Pattern: {source: [a]}"), "F Lambda::Function, FE Events::Rule, FEPermission Lambda::Permission, FRole IAM::Role"},
		"an event of CloudWatch":         {event("CloudWatchEvent", "Pattern: {source: [a]}"), "F Lambda::Function, FE Events::Rule, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a log group":                    {event("CloudWatchLogs", "LogGroupName: g, FilterPattern: p"), "F Lambda::Function, FE Logs::SubscriptionFilter, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a rule of IoT":                  {event("IoTRule", "Sql: SELECT 1"), "F Lambda::Function, FE IoT::TopicRule, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a skill":                        {event("AlexaSkill", ""), "F Lambda::Function, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a queue":                        {event("SQS", "Queue: arn:q"), "F Lambda::Function, FE Lambda::EventSourceMapping, FRole IAM::Role"},
		"a stream":                       {event("Kinesis", "Stream: arn:s, StartingPosition: LATEST"), "F Lambda::Function, FE Lambda::EventSourceMapping, FRole IAM::Role"},
		"a stream of a table":            {event("DynamoDB", "Stream: arn:s, StartingPosition: LATEST"), "F Lambda::Function, FE Lambda::EventSourceMapping, FRole IAM::Role"},
		"a topic":                        {event("SNS", "Topic: arn:t"), "F Lambda::Function, FE SNS::Subscription, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a topic by a queue":             {event("SNS", "Topic: arn:t, SqsSubscription: true"), "F Lambda::Function, FE SNS::Subscription, FEEventSourceMapping Lambda::EventSourceMapping, FEQueue SQS::Queue, FEQueuePolicy SQS::QueuePolicy, FRole IAM::Role"},
		"a bucket":                       {event("S3", "Bucket: !Ref B, Events: s3:ObjectCreated:*", bucket), "B S3::Bucket, F Lambda::Function, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a user pool":                    {event("Cognito", "UserPool: !Ref U, Trigger: PreSignUp", pool), "F Lambda::Function, FCognitoPermission Lambda::Permission, FRole IAM::Role, U Cognito::UserPool"},
		"an API of events alone":         {event("Api", "Path: /, Method: get"), "F Lambda::Function, FEPermissionProd Lambda::Permission, FRole IAM::Role, ServerlessRestApi ApiGateway::RestApi, ServerlessRestApiDeployment# ApiGateway::Deployment, ServerlessRestApiProdStage ApiGateway::Stage"},
		"an API":                         {event("Api", "Path: /, Method: get, RestApiId: !Ref A", "  A: {Type: AWS::Serverless::Api, Properties: {StageName: dev}}\n"), "A ApiGateway::RestApi, ADeployment# ApiGateway::Deployment, AdevStage ApiGateway::Stage, F Lambda::Function, FEPermissiondev Lambda::Permission, FRole IAM::Role"},
		"an API with a computed stage":   {event("Api", "Path: /, Method: get, RestApiId: !Ref A", "  A: {Type: AWS::Serverless::Api, Properties: {StageName: !Ref Stage}}\n"), "A ApiGateway::RestApi, ADeployment# ApiGateway::Deployment, AStage ApiGateway::Stage, F Lambda::Function, FEPermissionStage Lambda::Permission, FRole IAM::Role"},
		"an HTTP API of events alone":    {function("Events: {E: {Type: HttpApi}}"), "F Lambda::Function, FEPermission Lambda::Permission, FRole IAM::Role, ServerlessHttpApi ApiGatewayV2::Api, ServerlessHttpApiApiGatewayDefaultStage ApiGatewayV2::Stage"},
		"an HTTP API":                    {event("HttpApi", "Path: /, Method: get, ApiId: !Ref A", "  A: {Type: AWS::Serverless::HttpApi, Properties: {StageName: dev}}\n"), "A ApiGatewayV2::Api, AdevStage ApiGatewayV2::Stage, F Lambda::Function, FEPermission Lambda::Permission, FRole IAM::Role"},
		"a table":                        {"  T: {Type: AWS::Serverless::SimpleTable}\n", "T DynamoDB::Table"},
		"a layer":                        {"  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: s3://b/k}}\n", "Layer# Lambda::LayerVersion"},
		"a state machine":                {"  S: {Type: AWS::Serverless::StateMachine, Properties: {Definition: {StartAt: A}, Events: {E: {Type: Schedule, Properties: {Schedule: rate(1 day)}}}}}\n", "S StepFunctions::StateMachine, SE Events::Rule, SERole IAM::Role, SRole IAM::Role"},
		"an application":                 {"  A: {Type: AWS::Serverless::Application, Properties: {Location: \"https://b.s3.amazonaws.com/t.json\"}}\n", "A CloudFormation::Stack"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for id, resource := range serverlessResources(t, c.resources) {
				got = append(got, id+" "+strings.TrimPrefix(resource["Type"].(string), "AWS::"))
			}
			slices.Sort(got)
			assert.Equal(t, c.want, strings.Join(got, ", "))
		})
	}
}

// serverlessCase is a resource with places for a property, and what the
// property may be: MARK has to be found in what it leads to, other values have
// to change it.
type serverlessCase struct {
	template   string // %s is the property
	properties string // all that the documentation knows
	samples    map[string]string
	required   string // are in the template already
	refused    string
}

// The properties of
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-resources-and-properties.html.
var serverlessSchema = map[string]serverlessCase{
	"Function": {
		template: "  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: s3://b/k, Handler: h, Runtime: r, Tags: {a: b}, AutoPublishAlias: live, Events: {Q: {Type: SNS, Properties: {Topic: t, SqsSubscription: true}}}, %s}}\n",
		properties: `Architectures AssumeRolePolicyDocument AutoPublishAliasAllProperties AutoPublishCodeSha256 CapacityProviderConfig CodeSigningConfigArn
			DeadLetterQueue DeploymentPreference Description DurableConfig Environment EphemeralStorage EventInvokeConfig FileSystemConfigs FunctionName
			FunctionScalingConfig FunctionUrlConfig ImageConfig ImageUri InlineCode KmsKeyArn Layers LoggingConfig MemorySize PackageType PermissionsBoundary
			Policies PropagateTags ProvisionedConcurrencyConfig PublishToLatestPublished RecursiveLoop ReservedConcurrentExecutions Role RolePath
			RuntimeManagementConfig SnapStart SourceKMSKeyArn TenancyConfig Timeout Tracing VersionDeletionPolicy VersionDescription VpcConfig`,
		samples: map[string]string{
			"AutoPublishAliasAllProperties": "true", "PropagateTags": "true", "PackageType": "Zip", "DeadLetterQueue": "{Type: SQS, TargetArn: MARK}",
			"DeploymentPreference": "{Type: MARK}", "EventInvokeConfig": "{MaximumRetryAttempts: MARK}", "FunctionUrlConfig": "{AuthType: AWS_IAM, InvokeMode: MARK}",
			"InlineCode": "MARK", "Tracing": "MARK",
		},
		refused: "CapacityProviderConfig FunctionScalingConfig ImageUri PublishToLatestPublished TenancyConfig",
	},
	"Function.FunctionUrlConfig": {
		template:   fmt.Sprintf(plainFunction, "FunctionUrlConfig: {AuthType: AWS_IAM, %s}"),
		properties: "Cors InvokeMode", samples: map[string]string{"Cors": "{AllowOrigins: [MARK]}"},
	},
	"Function.DeploymentPreference": {
		template:   fmt.Sprintf(plainFunction, "AutoPublishAlias: live, DeploymentPreference: {Type: AllAtOnce, %s}"),
		properties: "Alarms Enabled Hooks PassthroughCondition Role TriggerConfigurations",
		samples:    map[string]string{"Alarms": "[MARK]", "Enabled": "false", "Hooks": "{PreTraffic: MARK}", "PassthroughCondition": "true"},
		refused:    "PassthroughCondition",
	},
	"Api": {
		template: "  A: {Type: AWS::Serverless::Api, Properties: {StageName: dev, %s}}\n  F: {Type: AWS::Serverless::Function, Properties: {InlineCode: x, Handler: h, Runtime: r, Events: {E: {Type: Api, Properties: {Path: /, Method: get, RestApiId: !Ref A}}}}}\n",
		properties: `AccessLogSetting AlwaysDeploy ApiKeySourceType Auth BinaryMediaTypes CacheClusterEnabled CacheClusterSize CanarySetting Cors
			DefinitionBody DefinitionUri Description DisableExecuteApiEndpoint Domain EndpointAccessMode EndpointConfiguration FailOnWarnings
			GatewayResponses MergeDefinitions MethodSettings MinimumCompressionSize Mode Models Name OpenApiVersion Policy PropagateTags SecurityPolicy
			Tags TracingEnabled Variables`,
		samples: map[string]string{
			"AlwaysDeploy": "true", "DefinitionBody": "{x: MARK}", "DefinitionUri": "s3://b/MARK", "Cors": "{AllowOrigin: MARK}", "OpenApiVersion": "3.0.1",
			"Tags": "{a: MARK}", "PropagateTags": "true, Tags: {a: MARK}", "Auth": "{DefaultAuthorizer: C, Authorizers: {C: {UserPoolArn: MARK}}}",
		},
		refused: "AlwaysDeploy Domain GatewayResponses MergeDefinitions Models",
	},
	"HttpApi": {
		template: "  A: {Type: AWS::Serverless::HttpApi, Properties: {%s}}\n",
		properties: `AccessLogSettings Auth CorsConfiguration DefaultRouteSettings DefinitionBody DefinitionUri Description
			DisableExecuteApiEndpoint Domain FailOnWarnings Name PropagateTags RouteSettings StageName StageVariables Tags`,
		samples: map[string]string{
			"CorsConfiguration": "{AllowOrigins: [MARK]}", "DefinitionBody": "{openapi: 3.0.1, x: MARK}", "DefinitionUri": "s3://b/MARK", "Tags": "{a: MARK}",
			"PropagateTags": "true, Tags: {a: MARK}", "Auth": "{Authorizers: {J: {IdentitySource: MARK, JwtConfiguration: {issuer: i, audience: [a]}}}}",
		},
		refused: "Domain",
	},
	"SimpleTable": {
		template:   "  T: {Type: AWS::Serverless::SimpleTable, Properties: {%s}}\n",
		properties: "PointInTimeRecoverySpecification PrimaryKey ProvisionedThroughput SSESpecification TableName Tags",
		samples:    map[string]string{"PrimaryKey": "{Name: MARK, Type: Number}", "Tags": "{a: MARK}"},
	},
	"LayerVersion": {
		template:   "  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: s3://b/k, %s}}\n",
		properties: "CompatibleArchitectures CompatibleRuntimes Description LayerName LicenseInfo PublishLambdaVersion RetentionPolicy",
		samples:    map[string]string{"PublishLambdaVersion": "true", "RetentionPolicy": "Delete"},
		refused:    "PublishLambdaVersion",
	},
	"StateMachine": {
		template: "  S: {Type: AWS::Serverless::StateMachine, Properties: {%s}}\n",
		properties: `AutoPublishAlias Definition DefinitionSubstitutions DefinitionUri DeploymentPreference Events Logging Name PermissionsBoundary
			Policies PropagateTags Role RolePath Tags Tracing Type UseAliasAsEventTarget`,
		samples: map[string]string{
			"Definition": "{StartAt: MARK}", "DefinitionUri": "s3://b/MARK", "Tags": "{a: MARK}, Definition: {}", "PropagateTags": "true, Tags: {a: MARK}, Definition: {}",
			"Events": "{E: {Type: EventBridgeRule, Properties: {Pattern: MARK}}}, Definition: {}", "*": "MARK, Definition: {}",
		},
		refused: "AutoPublishAlias DeploymentPreference UseAliasAsEventTarget",
	},
	"Application": {
		template:   "  A: {Type: AWS::Serverless::Application, Properties: {Location: \"https://b/t\", %s}}\n",
		properties: "NotificationARNs Parameters Tags TimeoutInMinutes", samples: map[string]string{"Tags": "{a: MARK}"},
	},
	"AlexaSkill":     {template: anEvent("AlexaSkill", ""), properties: "SkillId"},
	"CloudWatchLogs": {template: anEvent("CloudWatchLogs", "LogGroupName: MARK, FilterPattern: MARK,"), required: "FilterPattern LogGroupName"},
	"IoTRule":        {template: anEvent("IoTRule", "Sql: s,"), properties: "AwsIotSqlVersion"},
	"S3": {
		template:   "  B: {Type: AWS::S3::Bucket}\n" + anEvent("S3", "Bucket: !Ref B, Events: e,"),
		properties: "Filter",
	},
	"SNS": {
		template: anEvent("SNS", "Topic: t,"), properties: "FilterPolicy FilterPolicyScope RedrivePolicy Region SqsSubscription",
		samples: map[string]string{"SqsSubscription": "{QueueArn: MARK, QueueUrl: u}"},
	},
	"SQS": {
		template:   anEvent("SQS", "Queue: q,"),
		properties: "BatchSize Enabled FilterCriteria FunctionResponseTypes KmsKeyArn MaximumBatchingWindowInSeconds MetricsConfig ScalingConfig",
	},
	"Kinesis":  {template: anEvent("Kinesis", "Stream: s, StartingPosition: LATEST,"), properties: ofStreams, samples: map[string]string{"DestinationConfig": "{OnFailure: {Destination: MARK}}"}},
	"DynamoDB": {template: anEvent("DynamoDB", "Stream: s, StartingPosition: LATEST,"), properties: ofStreams, samples: map[string]string{"DestinationConfig": "{OnFailure: {Destination: MARK}}"}},
	"Schedule": {
		template: anEvent("Schedule", "Schedule: s,"), properties: "DeadLetterConfig Description Enabled Input Name RetryPolicy RoleArn State",
		samples: map[string]string{"DeadLetterConfig": "{Arn: MARK}", "Enabled": "false"}, refused: "RoleArn", // of state machines alone
	},
	"ScheduleV2": {
		template: anEvent("ScheduleV2", "ScheduleExpression: s,"),
		properties: `DeadLetterConfig Description EndDate FlexibleTimeWindow GroupName Input KmsKeyArn Name OmitName PermissionsBoundary RetryPolicy RoleArn
			ScheduleExpressionTimezone StartDate State`,
		samples: map[string]string{"DeadLetterConfig": "{Arn: MARK}", "OmitName": "true"},
	},
	"EventBridgeRule": {
		template: anEvent("EventBridgeRule", "Pattern: p,"), properties: "DeadLetterConfig EventBusName Input InputPath InputTransformer RetryPolicy RuleName State Target",
		samples: map[string]string{"DeadLetterConfig": "{Arn: MARK}", "Target": "{Id: MARK}"},
	},
	"CloudWatchEvent": {
		template: anEvent("CloudWatchEvent", "Pattern: p,"), properties: "Enabled EventBusName Input InputPath State", samples: map[string]string{"Enabled": "false"},
	},
	"ApiEvent": {
		template:   anEvent("Api", "Path: /, Method: get,"),
		properties: "Auth RequestModel RequestParameters ResponseTransferMode TimeoutInMillis",
		samples:    map[string]string{"Auth": "{Authorizer: AWS_IAM, InvokeRole: MARK}"}, refused: "RequestModel RequestParameters ResponseTransferMode",
	},
	"HttpApiEvent": {
		template: anEvent("HttpApi", "Path: /, Method: get,"), properties: "Auth PayloadFormatVersion RouteSettings TimeoutInMillis",
		samples: map[string]string{"RouteSettings": "{a: MARK}", "Auth": "{Authorizer: NONE}"},
	},
}

const ofStreams = `BatchSize BisectBatchOnFunctionError DestinationConfig Enabled FilterCriteria FunctionResponseTypes KmsKeyArn MaximumBatchingWindowInSeconds
	MaximumRecordAgeInSeconds MaximumRetryAttempts MetricsConfig ParallelizationFactor StartingPositionTimestamp TumblingWindowInSeconds`

func anEvent(typ, properties string) string {
	return fmt.Sprintf(plainFunction, fmt.Sprintf("Events: {E: {Type: %s, Properties: {%s %%s}}}", typ, properties))
}

func TestEveryServerlessPropertyIsTransformedOrRefusedByName(t *testing.T) {
	t.Parallel()
	for name, c := range serverlessSchema {
		t.Run(name, func(t *testing.T) {
			without, err := processed(serverlessTemplate(fmt.Sprintf(c.template, c.bare())))
			require.NoError(t, err)
			for _, required := range strings.Fields(c.required) {
				assert.Contains(t, without, "MARK", required)
			}
			for _, property := range append(strings.Fields(c.properties), "Unknown") {
				sample := c.sample(property)
				got, err := processed(serverlessTemplate(fmt.Sprintf(c.template, property+": "+sample)))
				switch {
				case slices.Contains(strings.Fields(c.refused), property) || property == "Unknown":
					require.Error(t, err, property)
					assert.Contains(t, err.Error(), property)
					assert.Contains(t, err.Error(), "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document.")
				case strings.Contains(sample, "MARK"):
					require.NoError(t, err, property)
					assert.Contains(t, got, "MARK", property)
				default:
					require.NoError(t, err, property)
					assert.NotEqual(t, without, got, property)
				}
			}
		})
	}
}

// bare is what the template needs without any property of its own.
func (c serverlessCase) bare() string {
	if _, more, found := strings.Cut(c.samples["*"], ", "); found {
		return more
	}
	return ""
}

func (c serverlessCase) sample(property string) string {
	if sample := c.samples[property]; sample != "" {
		return sample
	}
	if sample := c.samples["*"]; sample != "" {
		return sample
	}
	return "MARK"
}

func TestWhatTheServerlessTransformDoesNotKnowIsRefusedByName(t *testing.T) {
	t.Parallel()
	function := func(members string) string { return fmt.Sprintf(plainFunction, members) }
	for _, c := range []struct{ reason, resources string }{
		{"Resource with id [C] is invalid. the simulator's transform does not support the resource type AWS::Serverless::GraphQLApi", "  C: {Type: AWS::Serverless::GraphQLApi}\n"},
		{"Event with id [E] is invalid. the simulator's transform does not support the event type MQ", function("Events: {E: {Type: MQ}}")},
		{"the simulator's transform does not support the event type Api of state machines", "  S: {Type: AWS::Serverless::StateMachine, Properties: {Definition: {}, Events: {E: {Type: Api, Properties: {Path: /, Method: get}}}}}\n"},
		{"the simulator's transform does not support the policy template AcmGetCertificatePolicy", function("Policies: [{AcmGetCertificatePolicy: {CertificateArn: a}}]")},
		{"property Policies.SQSPollerPolicy.Queue not defined", function("Policies: [{SQSPollerPolicy: {QueueName: a, Queue: b}}]")},
		{"Missing required property 'Policies.SQSPollerPolicy.QueueName'.", function("Policies: [{SQSPollerPolicy: {}}]")},
		{"property Events.E.Properties.Auth.OverrideApiAuth not defined for resource of type AWS::Serverless::Function", function("Events: {E: {Type: Api, Properties: {Path: /, Method: get, Auth: {OverrideApiAuth: true}}}}")},
		{"property Events.E.Name not defined", function("Events: {E: {Type: SNS, Name: n, Properties: {Topic: t}}}")},
		{"Missing required property 'Events.E.Properties.Path'.", function("Events: {E: {Type: Api}}")},
		{"S3 events must reference an AWS::S3::Bucket in the same template.", function("Events: {E: {Type: S3, Properties: {Bucket: b, Events: e}}}")},
		{"RestApiId must be a valid reference to an 'AWS::Serverless::Api' resource in same template.", function("Events: {E: {Type: Api, Properties: {Path: /, Method: get, RestApiId: !Ref None}}}")},
		{"API method \"get\" defined multiple times for path \"/\".", function("Events: {D: {Type: Api, Properties: {Path: /, Method: get}}, E: {Type: Api, Properties: {Path: /, Method: GET}}}")},
		{"The transform does not compute Fn::If, which property 'Events' is given by.", function("Events: !If [Wanted, {}, {}]")},
		{"To set VersionDescription AutoPublishAlias must be defined on the function", function("VersionDescription: v")},
		{"Runtime and Handler needs to be present", "  F: {Type: AWS::Serverless::Function, Properties: {InlineCode: x}}\n"},
		{"Either 'InlineCode' or 'CodeUri' must be set.", "  F: {Type: AWS::Serverless::Function, Properties: {Handler: h, Runtime: r}}\n"},
		{"'CodeUri' is not a valid S3 Uri", "  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: ./src, Handler: h, Runtime: r}}\n"},
		{"property CodeUri.Bucked not defined", "  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: {Bucket: b, Key: k, Bucked: x}, Handler: h, Runtime: r}}\n"},
		{"the simulator's repository has no application arn:x: nothing is fetched from the Serverless Application Repository. Deploy", "  A: {Type: AWS::Serverless::Application, Properties: {Location: {ApplicationId: arn:x, SemanticVersion: 1.0.0}}}\n"},
		{"'Location' must be the URL of a template", "  A: {Type: AWS::Serverless::Application, Properties: {Location: ./app}}\n"},
		{"Transforming it makes a resource with the logical id [FRole], which the template has.", function("") + "  FRole: {Type: AWS::SNS::Topic}\n"},
		{"Property 'U.LambdaConfig' should be a map.", function("Events: {E: {Type: Cognito, Properties: {UserPool: !Ref U, Trigger: PreSignUp}}}") + "  U: {Type: AWS::Cognito::UserPool, Properties: {LambdaConfig: x}}\n"},
		{"'Globals' section is invalid. 'WebSocketApi' is not supported.", function("") + "Globals: {WebSocketApi: {}}\n"},
		{"'Globals' section is invalid. 'Policies' is not a supported property of 'Function'.", function("") + "Globals: {Function: {Policies: p}}\n"},
		{"has invalid resource attribute 'IgnoreGlobals' on item 'Timeout'", "  F: {Type: AWS::Serverless::Function, IgnoreGlobals: [Timeout], Properties: {InlineCode: x, Handler: h, Runtime: r}}\n"},
	} {
		_, err := processed(serverlessTemplate(c.resources))
		require.Error(t, err, c.reason)
		assert.Contains(t, err.Error(), c.reason)
		assert.Contains(t, err.Error(), "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document. Number of errors found: ")
	}
}

func TestGlobalsStandBelowWhatAResourceSays(t *testing.T) {
	t.Parallel()
	resources := serverlessResources(t, `
  F: {Type: AWS::Serverless::Function, Properties: {InlineCode: x, Timeout: 5, Layers: [own], Environment: {Variables: {A: own}}}}
  Other: {Type: AWS::Serverless::Function, IgnoreGlobals: [Timeout], Properties: {InlineCode: x}}
  Alone: {Type: AWS::Serverless::Function, IgnoreGlobals: "*", Properties: {InlineCode: x, Handler: h, Runtime: r}}
  T: {Type: AWS::Serverless::SimpleTable}
Globals:
  Function: {Handler: h, Runtime: r, Timeout: 3, Layers: [global], Environment: {Variables: {A: global, B: global}}}
  SimpleTable: {SSESpecification: {SSEEnabled: true}}
`)
	properties := func(id string) map[string]any { return resources[id]["Properties"].(map[string]any) }
	assert.Equal(t, map[string]any{"Variables": map[string]any{"A": "own", "B": "global"}}, properties("F")["Environment"])
	assert.Equal(t, []any{"global", "own"}, properties("F")["Layers"])
	assert.EqualValues(t, 5, properties("F")["Timeout"])
	assert.Nil(t, properties("Other")["Timeout"])
	assert.Equal(t, []any{"global"}, properties("Other")["Layers"])
	assert.Nil(t, properties("Alone")["Layers"])
	assert.Equal(t, map[string]any{"SSEEnabled": true}, properties("T")["SSESpecification"])
}

func TestWhatRefersToMadeResourcesFindsThem(t *testing.T) {
	t.Parallel()
	text, err := processed(serverlessTemplate(fmt.Sprintf(plainFunction, "AutoPublishAlias: live, Layers: [!Ref L], Events: {E: {Type: Api, Properties: {Path: /, Method: get}}}") + `
  L: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: s3://b/k}}
  T: {Type: AWS::SNS::Topic, DependsOn: [L, F]}
Outputs:
  A: {Value: !Ref F.Alias}
  B: {Value: !GetAtt F.Version.Version}
  C: {Value: !Sub "${ServerlessRestApi}/${ServerlessRestApi.Stage}/${F.Arn}/${AWS::Region}"}
`))
	require.NoError(t, err)
	for _, part := range []string{
		`"A":{"Value":{"Ref":"FAliaslive"}}`, `"B":{"Value":{"Fn::GetAtt":["FVersion`, `${ServerlessRestApi}/${ServerlessRestApiProdStage}/${F.Arn}/${AWS::Region}`,
		`functions/${FAliaslive}/invocations`,
	} {
		assert.Contains(t, text, part)
	}
	assert.Regexp(t, `"DependsOn":\["L[0-9a-f]{10}","F"\]`, text)
	assert.Regexp(t, `"Layers":\[\{"Ref":"L[0-9a-f]{10}"\}\]`, text)
}

func TestTagsOfOneFunctionStayOffOtherAPIs(t *testing.T) {
	t.Parallel()
	resources := serverlessResources(t, `
  Own: {Type: AWS::Serverless::HttpApi}
  F:
    Type: AWS::Serverless::Function
    Properties: {InlineCode: x, Handler: h, Runtime: r, Tags: {mine: "1"}, PropagateTags: true, Events: {E: {Type: HttpApi}}}
Globals: {HttpApi: {Tags: {all: "1"}}}
`)
	tags := func(id string) any { return resources[id]["Properties"].(map[string]any)["Tags"] }
	assert.Equal(t, map[string]any{"httpapi:createdBy": "SAM", "all": "1"}, tags("OwnApiGatewayDefaultStage"))
	assert.Equal(t, map[string]any{"httpapi:createdBy": "SAM", "all": "1", "mine": "1"}, tags("ServerlessHttpApiApiGatewayDefaultStage"))
	assert.Equal(t, []any{map[string]any{"Key": "mine", "Value": "1"}}, tags("FRole"))
}

func TestAVersionIsPublishedWhenTheCodeOfAFunctionChanges(t *testing.T) {
	t.Parallel()
	version := func(members string) string {
		text, err := processed(serverlessTemplate(fmt.Sprintf(plainFunction, "AutoPublishAlias: live, "+members)))
		require.NoError(t, err)
		return regexp.MustCompile(`FVersion\w+`).FindString(text)
	}
	first := version("Timeout: 3")
	assert.Equal(t, first, version("Timeout: 4"), "the timeout is no code")
	assert.NotEqual(t, first, version("MemorySize: 512"))
	assert.NotEqual(t, version("Timeout: 3, AutoPublishAliasAllProperties: true"), version("Timeout: 4, AutoPublishAliasAllProperties: true"))
	assert.Equal(t, "FVersion0123456789", version("AutoPublishCodeSha256: 0123456789abcdef"))
}

func TestWhatAConditionalFunctionNeedsIsConditionalToo(t *testing.T) {
	t.Parallel()
	resources := serverlessResources(t, `
  F:
    Type: AWS::Serverless::Function
    Condition: Wanted
    Properties:
      InlineCode: x
      Handler: h
      Runtime: r
      Events:
        Page: {Type: Api, Properties: {Path: /, Method: get}}
        Image: {Type: S3, Properties: {Bucket: !Ref B, Events: s3:ObjectCreated:*}}
  B: {Type: AWS::S3::Bucket}
`)
	for id, resource := range resources {
		if id != "B" {
			assert.Equal(t, "Wanted", resource["Condition"], id)
		}
	}
	bucket, err := json.Marshal(resources["B"])
	require.NoError(t, err)
	assert.JSONEq(t, `{"Type":"AWS::S3::Bucket","Properties":{
		"Tags":[{"Key":"sam:ConditionalDependsOn:FImagePermission","Value":{"Fn::If":["Wanted",{"Ref":"FImagePermission"},"no dependency"]}}],
		"NotificationConfiguration":{"LambdaConfigurations":[{"Fn::If":["Wanted",{"Event":"s3:ObjectCreated:*","Function":{"Fn::GetAtt":["F","Arn"]}},{"Ref":"AWS::NoValue"}]}]}}}`,
		string(bucket))
}
