package awssim_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/cloudtrail"
	"github.com/aphex/aphex-pipeline/awssim/ecs"
)

// failingApp has stacks that fail, each in its way.
const failingApp = `const cdk = require('aws-cdk-lib');
const app = new cdk.App();
const env = { account: '111111111111', region: 'eu-west-1' };
const stack = (name) => new cdk.Stack(app, name, { env });
const custom = stack('Custom');
const migrate = new cdk.CfnResource(custom, 'Function', { type: 'AWS::Lambda::Function', properties: { FunctionName: 'migrate', Code: { ZipFile: 'x' }, Role: 'arn:aws:iam::111111111111:role/migrate', Handler: 'i.h', Runtime: 'nodejs22.x' } });
new cdk.CustomResource(custom, 'Migration', { resourceType: 'Custom::Migration', serviceToken: migrate.getAtt('Arn').toString() });
const service = stack('Service');
const { aws_ecs: ecs } = cdk;
const cluster = new ecs.CfnCluster(service, 'Cluster', { clusterName: 'shop' });
const tasks = new ecs.CfnTaskDefinition(service, 'Tasks', { family: 'web', containerDefinitions: [{ name: 'web', image: 'nginx' }] });
new ecs.CfnService(service, 'Web', { cluster: cluster.ref, serviceName: 'web', taskDefinition: tasks.ref, desiredCount: 1 });
new cdk.CfnResource(stack('Guarded'), 'Table', { type: 'AWS::DynamoDB::Table', properties: { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }], AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }], BillingMode: 'PAY_PER_REQUEST' } });
new cdk.CfnResource(stack('Inspected'), 'Stream', { type: 'AWS::Kinesis::Stream', properties: { ShardCount: 1 } });
new cdk.CfnResource(stack('Bare'), 'Handler', { type: 'AWS::Lambda::Function', properties: { Code: { ZipFile: 'x' }, Role: 'r', Environment: { Variable: {} } } });
`

// troubled is a cloud in which the stacks of the app fail.
func troubled(t *testing.T) cloud {
	c, _ := ready(t, "", devAccount)
	stacks := c.Stacks()
	stacks.FailResource(cloudformation.Rule{Type: "Custom::Migration", Operation: "CREATE", Reason: "Received response status [FAILED] from custom resource. Message returned: See the details in CloudWatch Log Stream: 2026/11/27/[$LATEST]abc (RequestId: 8e2a)"})
	c.Logs().Write(devAccount, ireland, "/aws/lambda/migrate", "2026/11/27/[$LATEST]abc", "Error: relation does not exist\n")
	stacks.FailResource(cloudformation.Rule{Type: "AWS::ECS::Service", Operation: "CREATE", Late: true, Reason: "Resource handler returned message: \"Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.\" (HandlerErrorCode: GeneralServiceException)"})
	code := 137
	c.Tasks().Stop(devAccount, ireland, ecs.Task{ID: "task1", Cluster: "shop", Service: "web", StopCode: "EssentialContainerExited", StoppedReason: "Essential container in task exited", Containers: []ecs.Container{{Name: "web", Reason: "OutOfMemoryError", ExitCode: &code}}})
	stacks.ActivateHook(cloudformation.Hook{Name: "Acme::Guard::Tables", Type: "AWS::DynamoDB::Table", WholeChangeSet: true, Reason: "not compliant", Rules: []cloudformation.HookRule{{Name: "TABLE_ENCRYPTED", Message: "SSESpecification must be set"}}})
	stacks.ActivateHook(cloudformation.Hook{Name: "Acme::Lambda::Streams", Type: "AWS::Kinesis::Stream", Reason: "a stream needs the tag owner"})
	return c
}

// TestTheCDKDiagnosesWhatFails holds the simulator against the CDK CLI, which looks for what is
// behind a failure with calls of its own.
func TestTheCDKDiagnosesWhatFails(t *testing.T) {
	t.Parallel()
	c := troubled(t)
	dir := t.TempDir()
	for name, text := range map[string]string{"app.js": failingApp, "cdk.json": `{"app":"node app.js"}`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	printed, err := c.cdk(dir, devAccount, ireland, "synth", "--all", "--quiet", "--output", "out")
	require.NoError(t, err, printed)
	for stack, says := range map[string][]string{
		"Custom":    {"Error: relation does not exist"},
		"Guarded":   {"Acme::Guard::Tables", "TABLE_ENCRYPTED", "SSESpecification must be set"},
		"Inspected": {"Acme::Lambda::Streams", "a stream needs the tag owner"},
		"Bare":      {"extraneous key [Variable] is not permitted", "Bare/Handler"},
	} {
		printed, err := c.cdk(dir, devAccount, ireland, "deploy", "--app", "out", stack, "--require-approval", "never")
		require.Error(t, err, printed)
		for _, text := range says {
			assert.Contains(t, printed, text, stack)
		}
	}
	printed, err = c.cdk(dir, devAccount, ireland, "deploy", "--app", "out", "Service", "--require-approval", "never", "--no-rollback")
	require.Error(t, err, printed)
	assert.Contains(t, printed, "OutOfMemoryError")
	for stack, says := range map[string]string{"Custom": "Error: relation does not exist", "Inspected": "a stream needs the tag owner", "Service": "exited with code 137"} {
		printed, err := c.cdk(dir, devAccount, ireland, "diagnose", "--unstable=diagnose", "--app", "out", stack)
		require.Error(t, err, printed)
		assert.Contains(t, printed, says, stack)
	}
	assert.Empty(t, c.Unknown())
}

// TestTheAWSCLIReadsWhatIsBehindAFailure is about logs, tasks, functions, hooks and the trail.
func TestTheAWSCLIReadsWhatIsBehindAFailure(t *testing.T) {
	t.Parallel()
	c := troubled(t)
	text := func(args ...string) string { return c.awsOK(append(args, "--output", "text")...) }
	refused := func(says string, args ...string) {
		t.Helper()
		printed, err := c.aws(devAccount, ireland, args...)
		require.Error(t, err)
		assert.Contains(t, printed, says)
	}
	c.awsOK("logs", "create-log-group", "--log-group-name", "/shop/api")
	refused("ResourceAlreadyExistsException", "logs", "create-log-group", "--log-group-name", "/shop/api")
	c.awsOK("logs", "create-log-stream", "--log-group-name", "/shop/api", "--log-stream-name", "one")
	c.awsOK("logs", "put-log-events", "--log-group-name", "/shop/api", "--log-stream-name", "one", "--log-events", "timestamp=1000,message=first", "timestamp=2000,message=second", "timestamp=3000,message=third")
	assert.Equal(t, "second", text("logs", "filter-log-events", "--log-group-name", "/shop/api", "--start-time", "1500", "--end-time", "3000", "--query", "events[].message"))
	assert.Equal(t, "first\tsecond\nthird", text("logs", "filter-log-events", "--log-group-name", "/shop/api", "--log-stream-name-prefix", "o", "--page-size", "2", "--query", "events[].message"))
	refused("The specified log group does not exist", "logs", "filter-log-events", "--log-group-name", "/none")
	refused("The specified log stream does not exist", "logs", "filter-log-events", "--log-group-name", "/shop/api", "--log-stream-names", "two")
	refused("logStreamNames and logStreamNamePrefix", "logs", "filter-log-events", "--log-group-name", "/shop/api", "--log-stream-names", "one", "--log-stream-name-prefix", "o")

	template := filepath.Join(t.TempDir(), "t.json")
	require.NoError(t, os.WriteFile(template, []byte(`{"Resources":{
		"Own":{"Type":"AWS::Lambda::Function","Properties":{"FunctionName":"own","Code":{"ZipFile":"x"},"Role":"r","LoggingConfig":{"LogGroup":"/shop/own"}}},
		"Cluster":{"Type":"AWS::ECS::Cluster","Properties":{"ClusterName":"shop"}}}}`), 0o600))
	c.awsOK("cloudformation", "deploy", "--stack-name", "S", "--template-file", template)
	assert.Equal(t, "/shop/own", text("lambda", "get-function-configuration", "--function-name", "own", "--query", "LoggingConfig.LogGroup"))
	refused("Function not found", "lambda", "get-function-configuration", "--function-name", "none")
	task := text("ecs", "list-tasks", "--cluster", "shop", "--desired-status", "STOPPED", "--query", "taskArns[]")
	assert.Equal(t, "arn:aws:ecs:eu-west-1:111111111111:task/shop/task1", task)
	assert.Equal(t, "service:web\tEssential container in task exited\t137", text("ecs", "describe-tasks", "--cluster", "shop", "--tasks", task, "--query", "tasks[].[group,stoppedReason,containers[0].exitCode]"))
	refused("ServiceNotFoundException", "ecs", "list-tasks", "--cluster", "shop", "--service-name", "web")
	refused("ClusterNotFoundException", "ecs", "list-tasks", "--cluster", "none")

	c.Trail().Record(devAccount, ireland, cloudtrail.Event{Time: time.Now(), Source: "sqs.amazonaws.com", Name: "CreateQueue", Principal: "arn:aws:sts::111111111111:assumed-role/exec/x", ErrorCode: "AccessDenied", Message: "no"})
	assert.Contains(t, text("cloudtrail", "lookup-events", "--query", "Events[].CloudTrailEvent"), `"errorCode":"AccessDenied"`)
	assert.Empty(t, c.Unknown())
}
