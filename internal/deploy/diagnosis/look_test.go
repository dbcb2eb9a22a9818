package diagnosis_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/diagnosis"
)

// account answers as the services of an account do; a nil function hangs until the caller gives up.
type account struct {
	filter func(*cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error)
	group  string
	list   func(*ecs.ListTasksInput) (*ecs.ListTasksOutput, error)
	tasks  []ecstypes.Task
}

func (a account) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if a.filter == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return a.filter(in)
}

func (a account) GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	if a.group == "" {
		return nil, denied("lambda:GetFunctionConfiguration")
	}
	return &lambda.GetFunctionConfigurationOutput{LoggingConfig: &lambdatypes.LoggingConfig{LogGroup: &a.group}}, nil
}

func (a account) ListTasks(ctx context.Context, in *ecs.ListTasksInput, _ ...func(*ecs.Options)) (*ecs.ListTasksOutput, error) {
	if a.list == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return a.list(in)
}

func (a account) DescribeTasks(context.Context, *ecs.DescribeTasksInput, ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	return &ecs.DescribeTasksOutput{Tasks: a.tasks}, nil
}

func denied(action string) error {
	return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized to perform: " + action}
}

func (a account) eyes() diagnosis.Eyes {
	return diagnosis.Eyes{
		Identity: "arn:aws:sts::111111111111:assumed-role/lookup/x", ECS: a,
		Logs:   func(string) diagnosis.LogsAPI { return a },
		Lambda: func(string) diagnosis.LambdaAPI { return a },
		Mask:   func(text string) string { return strings.ReplaceAll(text, "hunter2", "[redacted]") },
	}
}

var (
	custom = diagnosis.Subject{
		LogicalID: "Migrate", Type: "Custom::Migration", Properties: `{"ServiceToken":"arn:aws:lambda:eu-west-1:111111111111:function:migrate:live"}`,
		Reason: "Received response status [FAILED] from custom resource. Message returned: See the details in CloudWatch Log Stream: 2026/11/27/[$LATEST]abc (RequestId: 1)",
		Began:  time.Unix(1000, 0), Failed: time.Unix(1100, 0),
	}
	service = diagnosis.Subject{LogicalID: "Web", Type: "AWS::ECS::Service", PhysicalID: "arn:aws:ecs:eu-west-1:111111111111:service/shop/web"}
)

func TestAllLooksTogetherEndAfterFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		found := account{}.eyes().Look(t.Context(), []diagnosis.Subject{custom, service, custom, custom})
		assert.Equal(t, 5*time.Second, time.Since(began))
		require.Len(t, found, 3, "no more than three resources")
		assert.Equal(t, []string{"what the function logged could not be read in 5s"}, found[0].Lines)
		assert.Equal(t, []string{"why its tasks stopped could not be read in 5s"}, found[1].Lines)
	})
}

func TestTheLastLinesOfAFunctionAreShownWithoutSecretsAndWithoutThoseOfLambda(t *testing.T) {
	var asked *cloudwatchlogs.FilterLogEventsInput
	a := account{filter: func(in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
		asked = in
		var events []logtypes.FilteredLogEvent
		add := func(text string) { events = append(events, logtypes.FilteredLogEvent{Message: aws.String(text)}) }
		add("START RequestId: 1 Version: $LATEST\n")
		for range 30 {
			add("old\n")
		}
		add(strings.Repeat("x", 296) + " hunter2\n")
		add("Error: relation \"orders\"\n    at migrate\n")
		add("REPORT RequestId: 1 Duration: 3 ms\n")
		return &cloudwatchlogs.FilterLogEventsOutput{Events: events}, nil
	}}
	found := a.eyes().Look(t.Context(), []diagnosis.Subject{custom})
	require.Len(t, found, 1)
	assert.Equal(t, "log of function migrate", found[0].Source)
	lines := found[0].Lines
	assert.Len(t, lines, 20)
	assert.Equal(t, []string{`Error: relation "orders"`, "at migrate"}, lines[18:])
	assert.NotContains(t, strings.Join(lines, ""), "hun", "a secret is hidden before a line is cut")
	assert.Equal(t, []string{"2026/11/27/[$LATEST]abc"}, asked.LogStreamNames)
	assert.Equal(t, []int64{940_000, 1_160_000}, []int64{*asked.StartTime, *asked.EndTime})
}

func TestALogGroupOfTheFunctionsOwnIsFound(t *testing.T) {
	a := account{group: "/shop/migrate", filter: func(in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
		if *in.LogGroupName != "/shop/migrate" {
			return nil, &smithy.GenericAPIError{Code: "ResourceNotFoundException", Message: "The specified log group does not exist."}
		}
		return &cloudwatchlogs.FilterLogEventsOutput{Events: []logtypes.FilteredLogEvent{{Message: aws.String("no database")}}}, nil
	}}
	found := a.eyes().Look(t.Context(), []diagnosis.Subject{custom})
	assert.Equal(t, []diagnosis.Finding{{Source: "log of function migrate (/shop/migrate)", Lines: []string{"no database"}}}, found)
	a.group = ""
	found = a.eyes().Look(t.Context(), []diagnosis.Subject{custom})
	assert.Equal(t, []string{"it has no log group /aws/lambda/migrate"}, found[0].Lines)
}

func TestAFunctionOfAnotherAccountIsNotMistakenForOneOfThisAccount(t *testing.T) {
	foreign := custom
	foreign.Properties = `{"ServiceToken":"arn:aws:lambda:eu-west-1:999999999999:function:migrate"}`
	found := account{}.eyes().Look(t.Context(), []diagnosis.Subject{foreign})
	assert.Equal(t, []diagnosis.Finding{{Source: "log of function migrate", Lines: []string{"it is in account 999999999999, whose logs are not read from here"}}}, found)
}

func TestATokenThatIsNoFunctionIsNeitherAskedForNorShown(t *testing.T) {
	for _, token := range []string{
		`arn:aws:lambda:eu-west-1.evil.s3:111111111111:function:migrate`, `arn:aws:lambda:eu-west-1:111111111111:function:x\u001b[2Jerror: all is well`,
		`arn:aws:lambda:eu-west-1:111111111111:function:x\nto fix it`, `arn:aws:lambda:eu-west-1:9\u001b[2J:function:migrate`, `arn:aws:lambda::111111111111:function:migrate`,
	} {
		hostile, asked := custom, false
		hostile.Properties = `{"ServiceToken":"` + token + `"}`
		a := account{filter: func(*cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
			asked = true
			return &cloudwatchlogs.FilterLogEventsOutput{}, nil
		}}
		assert.Empty(t, a.eyes().Look(t.Context(), []diagnosis.Subject{hostile}), token)
		assert.False(t, asked, token)
	}
}

func TestWhatIsDeniedIsLeftOutWithThePermissionThatShowsIt(t *testing.T) {
	a := account{
		filter: func(*cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
			return nil, denied("logs:FilterLogEvents")
		},
		list: func(*ecs.ListTasksInput) (*ecs.ListTasksOutput, error) { return nil, denied("ecs:ListTasks") },
	}
	found := a.eyes().Look(t.Context(), []diagnosis.Subject{custom, service})
	require.Len(t, found, 2)
	assert.Equal(t, []string{"what the function logged would stand here, but arn:aws:sts::111111111111:assumed-role/lookup/x lacks logs:FilterLogEvents"}, found[0].Lines)
	assert.Equal(t, []string{"why its tasks stopped would stand here, but arn:aws:sts::111111111111:assumed-role/lookup/x lacks ecs:ListTasks"}, found[1].Lines)
}

func TestStoppedTasksAreFoundAfterARollbackDeletedTheirService(t *testing.T) {
	task := func(group, why string) ecstypes.Task {
		return ecstypes.Task{
			Group: aws.String(group), StoppedReason: aws.String(why), StopCode: ecstypes.TaskStopCodeEssentialContainerExited,
			Containers: []ecstypes.Container{{Name: aws.String("app"), ExitCode: aws.Int32(137), Reason: aws.String("OutOfMemoryError")}, {Name: aws.String("side"), ExitCode: aws.Int32(0)}},
		}
	}
	a := account{
		list: func(in *ecs.ListTasksInput) (*ecs.ListTasksOutput, error) {
			if in.ServiceName != nil {
				return nil, &smithy.GenericAPIError{Code: "ServiceNotFoundException", Message: "Service not found."}
			}
			return &ecs.ListTasksOutput{TaskArns: []string{"1", "2", "3"}}, nil
		},
		tasks: []ecstypes.Task{task("service:web", "Essential container in task exited"), task("service:web", "Essential container in task exited"), task("service:other", "no")},
	}
	found := a.eyes().Look(t.Context(), []diagnosis.Subject{service})
	require.Len(t, found, 1)
	assert.Equal(t, diagnosis.Finding{Source: "stopped tasks of service web", Lines: []string{
		"task stopped: Essential container in task exited (EssentialContainerExited)", "container app: OutOfMemoryError, exit code 137", "2 tasks of the service stopped",
	}}, found[0])
}

func TestAResourceWithoutAnythingBehindItHasNoFinding(t *testing.T) {
	topic := custom
	topic.Properties = `{"ServiceToken":"arn:aws:sns:eu-west-1:111111111111:topic"}`
	assert.Empty(t, account{}.eyes().Look(t.Context(), []diagnosis.Subject{topic, {Type: "AWS::SQS::Queue", Reason: "already exists"}}))
}
