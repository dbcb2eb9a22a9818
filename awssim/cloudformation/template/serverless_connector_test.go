package template

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// connected are resources that connectors can connect.
const connected = `
  F: {Type: AWS::Serverless::Function, Properties: {InlineCode: x, Handler: h, Runtime: r}}
  G: {Type: AWS::Serverless::Function, Properties: {InlineCode: x, Handler: h, Runtime: r, Role: !GetAtt Own.Arn}}
  S: {Type: AWS::Serverless::StateMachine, Properties: {Definition: {}}}
  Table: {Type: AWS::Serverless::SimpleTable}
  Bucket: {Type: AWS::S3::Bucket}
  Queue: {Type: AWS::SQS::Queue}
  Topic: {Type: AWS::SNS::Topic}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: b}}
  Rule: {Type: AWS::Events::Rule, Properties: {ScheduleExpression: rate(1 day)}}
  Rest: {Type: AWS::Serverless::Api, Properties: {StageName: dev}}
  Web: {Type: AWS::Serverless::HttpApi}
  Own: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}
`

func aConnector(source, destination, permissions string) string {
	return fmt.Sprintf("  C: {Type: AWS::Serverless::Connector, Properties: {Source: {Id: %s}, Destination: {Id: %s}, Permissions: [%s]}}\n", source, destination, permissions)
}

func TestAConnectorMakesWhatLetsItsSourceUseItsDestination(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ source, to, permissions, id, actions, parts string }{
		{"F", "Table", "Read, Write", "CPolicy", "dynamodb:GetItem dynamodb:PutItem", `"Roles":[{"Ref":"FRole"}] ${Arn}/index/* {"Fn::GetAtt":["Table","Arn"]}`},
		{"G", "Bucket", "Read", "CPolicy", "s3:GetObject s3:ListBucket", `"Roles":[{"Ref":"Own"}] ${Arn}/*`},
		{"F", "Queue", "Write", "CPolicy", "sqs:SendMessage", `{"Fn::GetAtt":["Queue","Arn"]}`},
		{"F", "Topic", "Write", "CPolicy", "sns:Publish", `"Resource":[{"Ref":"Topic"}]`},
		{"F", "Bus", "Write", "CPolicy", "events:PutEvents", `{"Fn::GetAtt":["Bus","Arn"]}`},
		{"F", "G", "Write", "CPolicy", "lambda:InvokeFunction", `{"Fn::GetAtt":["G","Arn"]}`},
		{"F", "S", "Read, Write", "CPolicy", "states:DescribeExecution states:StartExecution", `:execution:${Name}:*`},
		{"S", "F", "Write", "CPolicy", "lambda:InvokeFunction", `"Roles":[{"Ref":"SRole"}]`},
		{"S", "Table", "Write", "CPolicy", "dynamodb:PutItem", `{"Fn::GetAtt":["Table","Arn"]}`},
		{"S", "Topic", "Write", "CPolicy", "sns:Publish", `{"Ref":"Topic"}`},
		{"S", "Queue", "Write", "CPolicy", "sqs:SendMessage", `{"Fn::GetAtt":["Queue","Arn"]}`},
		{"Table", "F", "Read", "CPolicy", "dynamodb:GetRecords", `"Roles":[{"Ref":"FRole"}] ${Arn}/stream/*`},
		{"Queue", "F", "Read, Write", "CPolicy", "sqs:ReceiveMessage sqs:DeleteMessage", `"Roles":[{"Ref":"FRole"}]`},
		{"Topic", "F", "Write", "CWriteLambdaPermission", "lambda:InvokeFunction", `"Principal":"sns.amazonaws.com" "SourceArn":{"Ref":"Topic"}`},
		{"Bucket", "F", "Write", "CWriteLambdaPermission", "lambda:InvokeFunction", `"Principal":"s3.amazonaws.com" "SourceAccount":{"Ref":"AWS::AccountId"}`},
		{"Rule", "F", "Write", "CWriteLambdaPermission", "lambda:InvokeFunction", `"Principal":"events.amazonaws.com"`},
		{"Rest", "F", "Write", "CWriteLambdaPermission", "lambda:InvokeFunction", `{"Api":{"Ref":"Rest"},"Qualifier":"*"}`},
		{"Web", "F", "Write", "CWriteLambdaPermission", "lambda:InvokeFunction", `{"Api":{"Ref":"Web"},"Qualifier":"*"}`},
		{"Topic", "Queue", "Write", "CQueuePolicy", "sqs:SendMessage", `"Queues":[{"Ref":"Queue"}] "Service":"sns.amazonaws.com" "aws:SourceArn":{"Ref":"Topic"}`},
		{"Rule", "Queue", "Write", "CQueuePolicy", "sqs:SendMessage", `"Service":"events.amazonaws.com"`},
		{"Rule", "Topic", "Write", "CTopicPolicy", "sns:Publish", `"Topics":[{"Ref":"Topic"}]`},
	} {
		t.Run(c.source+" to "+c.to, func(t *testing.T) {
			resources := serverlessResources(t, connected+aConnector(c.source, c.to, c.permissions))
			plain := serverlessResources(t, connected)
			require.Len(t, resources, len(plain)+1)
			made, err := json.Marshal(resources[c.id])
			require.NoError(t, err)
			for _, part := range slices.Concat(strings.Fields(c.actions), strings.Fields(c.parts)) {
				assert.Contains(t, string(made), part)
			}
			assert.Contains(t, string(made), `"aws:sam:connectors":{"C":{"Destination":{"Type":"AWS::`)
		})
	}
}

func TestAPermissionThatAConnectorDoesNotGiveIsNotThere(t *testing.T) {
	t.Parallel()
	made, err := json.Marshal(serverlessResources(t, connected+aConnector("F", "Table", "Read"))["CPolicy"])
	require.NoError(t, err)
	assert.NotContains(t, string(made), "PutItem")
}

func TestConnectorsOfAResourceHaveItAsTheirSource(t *testing.T) {
	t.Parallel()
	resources := serverlessResources(t, connected+`
  Caller:
    Type: AWS::Serverless::Function
    Condition: Wanted
    Properties:
      InlineCode: x
      Handler: h
      Runtime: r
      Events: {Jobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn}}}
    Connectors:
      All: {Properties: {Destination: [{Id: Table}, {Id: Topic}], Permissions: Write}, DependsOn: Queue}
  Jobs: {Type: AWS::SQS::Queue, Connectors: {To: {Properties: {Destination: {Id: Caller}, Permissions: [Read, Write]}}}}
  Page: {Type: AWS::ApiGateway::RestApi, Properties: {Name: n}, Connectors: {To: {Properties: {SourceReference: {Qualifier: dev/GET/}, Destination: {Id: F}, Permissions: [Write]}}}}
  Far: {Type: AWS::Serverless::Connector, Properties: {Source: {Type: AWS::Lambda::Function, RoleName: r}, Destination: {Type: AWS::SQS::Queue, Arn: "arn:q"}, Permissions: [Write]}}
`)
	for id, want := range map[string]string{
		"CallerAllPolicyDestination0": `"Condition":"Wanted","DependsOn":"Queue"`, "CallerAllPolicyDestination1": "sns:Publish",
		"JobsToPolicy": `"Roles":[{"Ref":"CallerRole"}]`, "PageToWriteLambdaPermission": `"Qualifier":"dev/GET/"`, "FarPolicy": `"Resource":["arn:q"]`,
		"CallerJobs": `"DependsOn":["JobsToPolicy"]`,
	} {
		made, err := json.Marshal(resources[id])
		require.NoError(t, err)
		assert.Contains(t, string(made), want, id)
		assert.NotContains(t, resources[id], "Connectors")
	}
	assert.NotContains(t, resources, "Far")
}

func TestConnectorsThatCannotBeAreRefusedByName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ reason, resources string }{
		{"Resource with id [C] is invalid. Unable to create connector from AWS::Events::EventBus to AWS::S3::Bucket; it's not supported", aConnector("Bus", "Bucket", "Write")},
		{"Unsupported 'Permissions' provided for connector from AWS::Lambda::Function to AWS::SNS::Topic; valid values are: Write.", aConnector("F", "Topic", "Read")},
		{"Unable to find resource with id 'None', which 'Destination' names.", aConnector("F", "None", "Read")},
		{"Missing required property 'Source'.", "  C: {Type: AWS::Serverless::Connector}\n"},
		{"Missing required property 'Source.RoleName'.", "  C: {Type: AWS::Serverless::Connector, Properties: {Source: {Type: AWS::Lambda::Function}, Destination: {Id: Topic}, Permissions: Write}}\n"},
		{"property Source.Arm not defined", "  C: {Type: AWS::Serverless::Connector, Properties: {Source: {Id: F, Arm: a}, Destination: {Id: Topic}, Permissions: Write}}\n"},
		{"Resource attribute 'Connectors' should be a map.", "  D: {Type: AWS::SQS::Queue, Connectors: x}\n"},
		{"Connector 'To' needs Properties", "  D: {Type: AWS::SQS::Queue, Connectors: {To: {}}}\n"},
		{"does not support the attribute Condition of connector 'To'", "  D: {Type: AWS::SQS::Queue, Connectors: {To: {Condition: Wanted, Properties: {Destination: {Id: F}, Permissions: Read}}}}\n"},
	} {
		_, err := processed(serverlessTemplate(connected + c.resources))
		require.Error(t, err, c.reason)
		assert.Contains(t, err.Error(), c.reason)
	}
}
