package cloudformation_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const shop = `
Description: A small shop
Parameters:
  Stage: {Type: String, Default: dev}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    Properties: {KeySchema: [{AttributeName: id, KeyType: HASH}]}
  Queue:
    Type: AWS::SQS::Queue
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: IsProd
    Properties: {ComparisonOperator: x, EvaluationPeriods: 1}
  Topic:
    Type: AWS::SNS::Topic
    DependsOn: Queue
    Properties:
      DisplayName: !Sub '${Stage} ${Table.Arn}'
Outputs:
  TableName: {Value: !Ref Table, Description: the table}
  QueueUrl: {Value: !Ref Queue}
  TopicArn: {Value: !Ref Topic, Export: {Name: !Sub '${AWS::StackName}:topic'}}
`

func TestAStackIsCreatedInTheOrderOfItsDependencies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{Seed: 1})
		defer c.engine.Close()
		s := c.create("shop", shop, func(in *cfn.CreateStackInput) { in.Tags = tags("team", "a") })

		assert.Equal(t, types.StackStatusCreateComplete, s.StackStatus)
		assert.Equal(t, "A small shop", *s.Description)
		assert.Regexp(t, `^arn:aws:cloudformation:eu-west-1:111111111111:stack/shop/[0-9a-f-]{36}$`, *s.StackId)
		assert.Equal(t, "team", *s.Tags[0].Key)
		assert.Equal(t, "dev", *s.Parameters[0].ParameterValue)
		assert.Regexp(t, `^shop-Table-[A-Z0-9]{12}$`, outputs(s)["TableName"])
		assert.Regexp(t, `^https://sqs\.eu-west-1\.amazonaws\.com/111111111111/shop-Queue-`, outputs(s)["QueueUrl"])
		assert.Regexp(t, `^arn:aws:sns:eu-west-1:111111111111:shop-Topic-`, outputs(s)["TopicArn"])
		assert.NotContains(t, c.resources("shop"), "Alarm")

		lines := c.events("shop")
		assert.Equal(t, "shop CREATE_IN_PROGRESS: User Initiated", lines[0])
		assert.Equal(t, "shop CREATE_COMPLETE", lines[len(lines)-1])
		assert.Contains(t, lines, "Table CREATE_IN_PROGRESS: Resource creation Initiated")
		for _, before := range []string{"Table CREATE_COMPLETE", "Queue CREATE_COMPLETE"} {
			assert.Less(t, position(t, lines, before), position(t, lines, "Topic CREATE_IN_PROGRESS"))
		}
		assert.Less(t, position(t, lines, "Queue CREATE_IN_PROGRESS"), position(t, lines, "Table CREATE_COMPLETE"), "independent resources start together")
	})
}

func TestEventsHaveUniqueIdsAndRisingTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{PageSize: 3})
		defer c.engine.Close()
		c.create("shop", shop)
		seen := map[string]bool{}
		var last time.Time
		for _, ev := range c.rawEvents("shop") {
			assert.False(t, seen[*ev.EventId], *ev.EventId)
			seen[*ev.EventId] = true
			assert.True(t, ev.Timestamp.After(last))
			last = *ev.Timestamp
			assert.NotEmpty(t, *ev.OperationId)
		}
		assert.Greater(t, len(seen), 9)
	})
}

func TestResourcesTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{ResourceTime: func(typ, _ string) time.Duration {
			if typ == "AWS::SNS::Topic" {
				return time.Minute
			}
			return time.Second
		}})
		defer c.engine.Close()
		name, body := "shop", shop
		_, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: &name, TemplateBody: &body})
		require.NoError(t, err)
		time.Sleep(30 * time.Second)
		assert.Equal(t, types.StackStatusCreateInProgress, c.describe("shop").StackStatus)
		c.wait("shop")
		events := c.rawEvents("shop")
		took := events[len(events)-1].Timestamp.Sub(*events[0].Timestamp)
		assert.InDelta(t, 61, took.Seconds(), 0.1, "the two of the first row run at the same time")
	})
}

func TestAFailedCreationIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.engine.FailResource(cloudformation.Rule{LogicalID: "Queue", Operation: "CREATE", Reason: "Queue is out of order", Times: 1})
		c.engine.FailResource(cloudformation.Rule{LogicalID: "Table", Operation: "CREATE", OnlySlow: true, Delay: time.Minute})
		s := c.create("shop", shop)
		assert.Equal(t, types.StackStatusRollbackComplete, s.StackStatus)
		assert.Empty(t, s.Outputs)
		lines := c.events("shop")
		assert.Contains(t, lines, "Queue CREATE_FAILED: Queue is out of order")
		assert.Contains(t, lines, "Table CREATE_FAILED: Resource creation cancelled")
		assert.Contains(t, lines, "shop ROLLBACK_IN_PROGRESS: The following resource(s) failed to create: [Queue, Table]. Rollback requested by user.")
		assert.Contains(t, lines, "Table DELETE_COMPLETE")
		assert.NotContains(t, strings.Join(lines, "\n"), "Topic")

		name, body := "shop", shop
		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{StackName: &name, TemplateBody: &body})
		refused(t, err, "ValidationError", "is in ROLLBACK_COMPLETE state and can not be updated.")
		assert.Equal(t, types.StackStatusDeleteComplete, c.remove("shop").StackStatus)
		assert.Equal(t, types.StackStatusCreateComplete, c.create("shop", shop).StackStatus)
	})
}

func TestAFailedCreationIsKeptOrDeletedAsRequested(t *testing.T) {
	for onFailure, want := range map[types.OnFailure]types.StackStatus{
		types.OnFailureDoNothing: types.StackStatusCreateFailed,
		types.OnFailureDelete:    types.StackStatusDeleteComplete,
		types.OnFailureRollback:  types.StackStatusRollbackComplete,
	} {
		t.Run(string(onFailure), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, cloudformation.Options{})
				defer c.engine.Close()
				c.engine.FailResource(cloudformation.Rule{LogicalID: "Topic"})
				name, body := "shop", shop
				out, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: &name, TemplateBody: &body, OnFailure: onFailure})
				require.NoError(t, err)
				s := c.wait(*out.StackId)
				assert.Equal(t, want, s.StackStatus)
				if want == types.StackStatusCreateFailed {
					assert.Equal(t, "The following resource(s) failed to create: [Topic]. ", *s.StackStatusReason)
					assert.Contains(t, c.resources("shop"), "Queue")
				}
			})
		})
	}
}

func TestAnInvalidCallIsRefusedBeforeAnythingIsCreated(t *testing.T) {
	cases := map[string]struct {
		name, body    string
		set           func(*cfn.CreateStackInput)
		code, message string
	}{
		"a bad name":            {"1shop", shop, nil, "ValidationError", "Member must satisfy regular expression pattern"},
		"a bad template":        {"shop", "{", nil, "ValidationError", "Template format error: JSON not well-formed."},
		"a missing parameter":   {"shop", "Parameters: {P: {Type: String}}\nResources: {A: {Type: AWS::SNS::Topic}}", nil, "ValidationError", "Parameters: [P] must have values"},
		"an unknown type":       {"shop", "Resources: {A: {Type: AWS::Foo::Bar}, B: {Type: My::Own::Thing::MODULE}, C: {Type: Custom::Any}}", nil, "ValidationError", "Template format error: Unrecognized resource types: [AWS::Foo::Bar, My::Own::Thing::MODULE]"},
		"an unknown attribute":  {"shop", "Resources: {A: {Type: AWS::SQS::Queue}}\nOutputs: {X: {Value: !GetAtt A.Color}}", nil, "ValidationError", "Template error: resource A does not support attribute type Color in Fn::GetAtt"},
		"a topic of no account": {"shop", shop, func(in *cfn.CreateStackInput) { in.NotificationARNs = []string{"arn:aws:sns:eu-west-1::some-topic"} }, "ValidationError", "arn:aws:sns:eu-west-1::some-topic is not the ARN of an SNS topic"},
		"a secure parameter":    {"shop", "Resources: {A: {Type: AWS::SQS::Queue, Properties: {QueueName: '{{resolve:ssm-secure:/a:1}}'}}}", nil, "ValidationError", "SSM Secure reference is not supported in: [AWS::SQS::Queue/Properties/QueueName]"},
		"a missing capability":  {"shop", "Resources: {A: {Type: AWS::IAM::Role}}", nil, "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]"},
		"an unknown role":       {"shop", shop, func(in *cfn.CreateStackInput) { in.RoleARN = ptr("arn:aws:iam::1:role/unknown") }, "ValidationError", "is invalid or cannot be assumed"},
		"no template":           {"shop", "", func(in *cfn.CreateStackInput) { in.TemplateBody = nil }, "ValidationError", "Either Template URL or Template Body must be specified."},
		"a template of 51201":   {"shop", shop + strings.Repeat("#", 51201-len(shop)), nil, "ValidationError", "less than or equal to 51200"},
		"an unreachable URL":    {"shop", "", func(in *cfn.CreateStackInput) { in.TemplateBody, in.TemplateURL = nil, ptr("https://nowhere") }, "ValidationError", "S3 error: Access Denied"},
		"a transform":           {"shop", "Transform: AWS::Serverless-2016-10-31\n" + shop, nil, "InsufficientCapabilitiesException", "CAPABILITY_AUTO_EXPAND"},
		"an inactive reference": {"shop", strings.Replace(shop, "DependsOn: Queue", "Metadata: {}", 1) + "  AlarmArn: {Value: !GetAtt Nowhere.Arn}\n", nil, "ValidationError", "references undefined resource Nowhere"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, cloudformation.Options{})
				defer c.engine.Close()
				c.host.roles["arn:aws:iam::1:role/unknown"] = &wire.Error{
					Code: "ValidationError", Message: "Role arn:aws:iam::1:role/unknown is invalid or cannot be assumed", Status: 400,
				}
				in := &cfn.CreateStackInput{StackName: &tc.name, TemplateBody: &tc.body}
				if tc.set != nil {
					tc.set(in)
				}
				_, err := c.cfn.CreateStack(t.Context(), in)
				refused(t, err, tc.code, tc.message)
				out, err := c.cfn.ListStacks(t.Context(), &cfn.ListStacksInput{})
				require.NoError(t, err)
				assert.Empty(t, out.StackSummaries)
			})
		})
	}
}

func ptr[T any](value T) *T { return &value }

func TestAnExistingStackIsCreatedAgainByItsTokenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		withToken := func(token string) (string, error) {
			out, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{
				StackName: ptr("shop"), TemplateBody: ptr(shop), ClientRequestToken: &token,
			})
			if err != nil {
				return "", err
			}
			return *out.StackId, nil
		}
		first, err := withToken("one")
		require.NoError(t, err)
		again, err := withToken("one")
		require.NoError(t, err)
		assert.Equal(t, first, again)
		_, err = withToken("two")
		refused(t, err, "AlreadyExistsException", "Stack [shop] already exists")
		c.wait("shop")
	})
}

func TestAResourceThatLacksARequiredPropertyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		s := c.create("bad", "Resources: {Fn: {Type: AWS::Lambda::Function, Properties: {Role: r}}}")
		assert.Equal(t, types.StackStatusRollbackComplete, s.StackStatus)
		assert.Contains(t, c.events("bad"), "Fn CREATE_FAILED: Properties validation failed for resource Fn with message:\n[#: required key [Code] not found]")
	})
}

func TestALambdaFunctionNeedsItsCode(t *testing.T) {
	const body = "Resources: {Fn: {Type: AWS::Lambda::Function, Properties: {Role: r, Code: {S3Bucket: b, S3Key: k}}}}"
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		assert.Equal(t, types.StackStatusRollbackComplete, c.create("without", body).StackStatus)
		assert.Contains(t, strings.Join(c.events("without"), "\n"), "S3 Error Code: NoSuchKey")
		c.host.objects["b/k"] = true
		assert.Equal(t, types.StackStatusCreateComplete, c.create("with", body).StackStatus)
	})
}

func TestTwoGenericResourcesCannotHaveOneName(t *testing.T) {
	const body = "Resources: {Table: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [], TableName: orders}}}"
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		assert.Equal(t, types.StackStatusCreateComplete, c.create("one", body).StackStatus)
		assert.Equal(t, types.StackStatusRollbackComplete, c.create("two", body).StackStatus)
		assert.Contains(t, strings.Join(c.events("two"), "\n"), "HandlerErrorCode: AlreadyExists")
	})
}

func TestTheHostGetsResolvedPropertiesAndTheStacksTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.host.handlers["AWS::S3::Bucket"] = true
		c.host.parameters["/name"] = "from-ssm"
		c.host.secrets["db/password"] = "s3cret"
		s := c.create("data", `
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {AccessControl: '{{resolve:ssm:/name}}', ObjectLockEnabled: '{{resolve:secretsmanager:db:SecretString:password}}'}
Outputs: {Arn: {Value: !GetAtt Bucket.Arn}}`, func(in *cfn.CreateStackInput) { in.Tags = tags("team", "a") })
		id := c.resources("data")["Bucket"]
		request := c.host.alive[id]
		assert.Regexp(t, `^data-bucket-[a-z0-9]{12}$`, id)
		assert.Equal(t, map[string]any{"AccessControl": "from-ssm", "ObjectLockEnabled": "s3cret"}, request.Properties)
		assert.Equal(t, map[string]string{"team": "a"}, request.Tags)
		assert.Equal(t, "arn:handler:"+id, outputs(s)["Arn"])
	})
}

func TestNamesAreUniqueForTheirParentNotForTheAccount(t *testing.T) {
	const api = `
Resources:
  Api: {Type: AWS::ApiGateway::RestApi, Properties: {Name: api}}
  Method:
    Type: AWS::ApiGateway::Method
    Properties: {HttpMethod: GET, RestApiId: !Ref Api, ResourceId: !GetAtt Api.RootResourceId}
  Deployment: {Type: AWS::ApiGateway::Deployment, Properties: {RestApiId: !Ref Api}, DependsOn: Method}
  Stage: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, DeploymentId: !Ref Deployment, StageName: prod}}
`
	const again = api + `  Second: {Type: AWS::ApiGateway::Stage, Properties: {RestApiId: !Ref Api, DeploymentId: !Ref Deployment, StageName: prod}, DependsOn: Stage}`
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		assert.Equal(t, types.StackStatusCreateComplete, c.create("one", api).StackStatus)
		assert.Equal(t, types.StackStatusCreateComplete, c.create("two", api).StackStatus)
		assert.Equal(t, "prod", c.resources("two")["Stage"])
		assert.Equal(t, types.StackStatusRollbackComplete, c.create("three", again).StackStatus)
		assert.Contains(t, strings.Join(c.events("three"), "\n"), "|prod' already exists.")
	})
}

func TestAttributesThatAreListsCanBeSelectedAndJoined(t *testing.T) {
	const body = `
Resources:
  Zone: {Type: AWS::Route53::HostedZone, Properties: {Name: example.com}}
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Six: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}
  Subnet:
    Type: AWS::EC2::Subnet
    DependsOn: Six
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]]
      Ipv6CidrBlock: !Select [1, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]
Outputs:
  Servers: {Value: !Join [',', !GetAtt Zone.NameServers]}
  Six: {Value: !Select [0, !GetAtt Subnet.Ipv6CidrBlocks]}
`
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		s := c.create("net", body)
		assert.Equal(t, types.StackStatusCreateComplete, s.StackStatus, c.events("net"))
		assert.Len(t, strings.Split(outputs(s)["Servers"], ","), 4)
		assert.Regexp(t, `^2600:[0-9a-f:]+/64$`, outputs(s)["Six"])
	})
}
