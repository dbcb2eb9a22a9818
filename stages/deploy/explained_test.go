package deploy_test

import (
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	simcfn "github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/ecs"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	engine "github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
	"github.com/aphex/aphex-pipeline/stages/diagnose"
)

var update = flag.Bool("update", false, "write the golden files")

// failing is a world with the app whose stacks fail, and its assemblies before and after.
type failing struct {
	*world
	before, after string
}

func newFailing(t *testing.T) failing {
	t.Helper()
	w := newWorld(t)
	w.source = assemblytest.App(t, "testdata/failing")
	names := []string{"Stores", "Owner", "Importer", "Property", "Name", "Recorder", "Addresses", "Guarded", "Inspected", "Custom", "Service", "Denied", "Network"}
	w.configure("\n  - {name: dev, account: \"" + dev + "\", region: eu-west-1, stacks: [{name: " + strings.Join(names, "}, {name: ") + "}]}\n")
	f := failing{world: w, before: filepath.Join(t.TempDir(), "before"), after: filepath.Join(t.TempDir(), "after")}
	w.synthesizeInto(f.before)
	w.shape("after")
	w.synthesizeInto(f.after)
	for _, stacks := range [][]string{{"Stores", "Owner"}, {"Importer"}} {
		_, err := f.deploy(f.before, stacks...)
		require.NoError(t, err)
	}
	f.break_()
	return f
}

// deploy deploys stacks of an assembly, and nothing else.
func (f failing) deploy(assembly string, stacks ...string) (deploy.Output, error) {
	return f.run("dev", func(in *deploy.Input) {
		in.Assembly, in.Stacks, in.Exclusively, in.Concurrency = assembly, stacks, true, len(stacks)
	})
}

// config is the configuration of the administrator of dev.
func (f failing) config() aws.Config {
	key, url := f.AddAccount(dev), f.URL()
	return aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: static.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")}
}

// break_ sets up what makes the stacks fail.
func (f failing) break_() {
	f.t.Helper()
	cfg := f.config()
	_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(f.t.Context(), &s3.PutObjectInput{Bucket: aws.String("uploads"), Key: aws.String("a"), Body: strings.NewReader("a")})
	require.NoError(f.t, err)
	_, err = ecr.NewFromConfig(cfg).PutImage(f.t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("images"), ImageTag: aws.String("1"), ImageManifest: aws.String(`{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}`)})
	require.NoError(f.t, err)
	stacks := f.Stacks()
	stacks.Limit("AWS::EC2::EIP", 1)
	stacks.ActivateHook(simcfn.Hook{Name: "Acme::Guard::Tables", Type: "AWS::DynamoDB::Table", WholeChangeSet: true, Reason: "Template failed validation, the following rule(s) failed: TABLE_ENCRYPTED, TABLE_BACKED_UP.", Rules: []simcfn.HookRule{
		{Name: "TABLE_ENCRYPTED", Message: "SSESpecification must be set", Remediation: "encrypt the table with a key of your own"},
		{Name: "TABLE_BACKED_UP", Message: "PointInTimeRecovery must be enabled"},
		{Name: "TABLE_PRIVATE", Passed: true},
	}})
	stacks.ActivateHook(simcfn.Hook{Name: "Acme::Lambda::Streams", Type: "AWS::Kinesis::Stream", Reason: "a stream needs the tag owner", Rules: []simcfn.HookRule{{Name: "OWNED", Message: "the tag owner is missing"}}})
	stacks.FailResource(simcfn.Rule{Type: "Custom::Migration", Operation: "CREATE", Reason: "Received response status [FAILED] from custom resource. Message returned: See the details in CloudWatch Log Stream: 2026/11/27/[$LATEST]abc (RequestId: 8e2a)"})
	f.Logs().Write(dev, "eu-west-1", "/aws/lambda/migrate", "2026/11/27/[$LATEST]abc", "START RequestId: 8e2a Version: $LATEST\n", "connecting with AKIAIOSFODNN7EXAMPLE\n",
		"Error: relation \"orders\" does not exist\n    at migrate (/var/task/index.js:12:9)\n", "END RequestId: 8e2a\n")
	stacks.FailResource(simcfn.Rule{Type: "AWS::ECS::Service", Operation: "CREATE", Late: true, Reason: `Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'." (HandlerErrorCode: GeneralServiceException)`})
	code := 137
	for _, id := range []string{"task1", "task2", "task3"} {
		f.Tasks().Stop(dev, "eu-west-1", ecs.Task{
			ID: id, Cluster: "shop", Service: "web", StopCode: "EssentialContainerExited", StoppedReason: "Essential container in task exited",
			Containers: []ecs.Container{{Name: "web", Reason: "OutOfMemoryError: container killed due to memory usage", ExitCode: &code}},
		})
	}
	stacks.FailResource(simcfn.Rule{Stack: "Denied", Operation: "CREATE", Reason: `Resource handler returned message: "User: arn:aws:sts::111111111111:assumed-role/cdk-hnb659fds-cfn-exec-role-111111111111-eu-west-1/AWSCloudFormation is not authorized to perform: sqs:CreateQueue on resource: arn:aws:sqs:eu-west-1:111111111111:denied because no identity-based policy allows the sqs:CreateQueue action (Service: Sqs, Status Code: 403)" (HandlerErrorCode: AccessDenied)`})
	stacks.FailResource(simcfn.Rule{Stack: "Network", Operation: "CREATE", Reason: `Resource handler returned message: "The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400)" (HandlerErrorCode: ServiceLimitExceeded)`})
}

// varying matches what differs from run to run in a screen.
var varying = regexp.MustCompile(`\d\d:\d\d:\d\d|RequestToken: [0-9a-f-]+, | +\(last time [^)]*\)`)

// screen is what a person sees of a deployment: its warnings, its failure and the hint.
func (f failing) screen(err error) string {
	var lines []string
	for _, e := range f.events {
		if e.Step == "warning" {
			lines = append(lines, progress.Line(e))
		}
	}
	if err != nil {
		lines = append(lines, "error: "+err.Error(), "  hint: "+errs.HintOf(err))
	}
	text := strings.Join(lines, "\n") + "\n"
	return varying.ReplaceAllStringFunc(text, func(found string) string {
		if strings.Count(found, ":") == 2 {
			return "12:00:00"
		}
		return ""
	})
}

// TestFailuresExplainThemselves holds the screens of failures against golden files.
func TestFailuresExplainThemselves(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	_, err := f.run("dev", func(in *deploy.Input) {
		in.Assembly, in.Stacks, in.Exclusively, in.Plan = f.after, []string{"Stores"}, true, true
	})
	require.NoError(t, err)
	assert.Contains(t, f.stdout.String(), "warning: Uploads4F6EB0FD (AWS::S3::Bucket): The bucket uploads is not empty.")
	for _, one := range []struct {
		screen, stack string
		succeeds      bool
	}{
		{"01-property", "Property", false},
		{"02-name-conflict", "Name", false},
		{"03-bucket-and-repository-not-empty", "Stores", true},
		{"04-second-recorder", "Recorder", true},
		{"05-quota-warning", "Addresses", true},
		{"06-guard-hook", "Guarded", false},
		{"07-lambda-hook", "Inspected", false},
		{"08-custom-resource", "Custom", false},
		{"09-ecs-circuit-breaker", "Service", false},
		{"10-denied-call", "Denied", false},
		{"11-quota", "Network", false},
		{"12-export-in-use", "Owner", false},
	} {
		_, err := f.deploy(f.after, one.stack)
		assert.Equal(t, one.succeeds, err == nil, "%s: %v", one.screen, err)
		got, golden := f.screen(err), filepath.Join("testdata", "failing", one.screen+".txt")
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(got), 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		assert.Equal(t, string(want), got, one.screen)
		assert.NotRegexp(t, `DescribeEvents|DescribeStackEvents|AKIA`, got, "no screen sends a person to an API, none has a secret")
	}
}

// diagnose explains stacks afterwards, and returns what it prints.
func (f failing) diagnose(change func(*diagnose.Input)) (string, []engine.Diagnosis) {
	f.t.Helper()
	in := diagnose.Input{Environment: "dev", Built: stage.Built{Config: "aphex-config.yaml", Source: f.source, Assembly: f.after, Limit: patience}}
	change(&in)
	require.NoError(f.t, in.Validate())
	f.stdout.Reset()
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(locked{&f.mu, &f.log}, nil)), Out: locked{&f.mu, &f.out}, Stdout: locked{&f.mu, &f.stdout}, Redactor: redact.New()}
	out, err := diagnose.Run(f.t.Context(), diagnose.Deps{Engine: f.deps().Engine, Bucket: f.stored}, frame, in)
	require.NoError(f.t, err)
	return f.stdout.String(), out.Diagnoses
}

var day = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`)

// TestFailuresAreExplainedAfterwardsWhoeverDeployed holds what diagnose says of failed stacks.
func TestFailuresAreExplainedAfterwardsWhoeverDeployed(t *testing.T) {
	t.Parallel()
	f := newFailing(t)
	began := time.Now().UTC()
	_, err := f.deploy(f.after, "Custom")
	require.Error(t, err)
	ended := time.Now().UTC()
	api := cfn.NewClient(f.config())
	_, err = api.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String("Manual"), DisableRollback: aws.Bool(true), TemplateBody: aws.String(`{"Resources":{
		"Made": {"Type": "AWS::SSM::Parameter", "Metadata": {"aws:cdk:path": "Manual/Made/Resource"}, "Properties": {"Type": "String", "Name": "aws-reserved", "Value": "1"}}}}`)})
	require.NoError(t, err)
	require.Error(t, cloudformation.NewStackCreateCompleteWaiter(api).Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("Manual")}, time.Minute,
		func(o *cloudformation.StackCreateCompleteWaiterOptions) {
			o.MinDelay, o.MaxDelay = 50*time.Millisecond, 50*time.Millisecond
		}))
	_, err = api.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{StackName: aws.String("Stores"), ChangeSetName: aws.String("mine"), TemplateBody: aws.String(`{"Resources":{
		"Taken": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}}}`)})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		set, err := api.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{StackName: aws.String("Stores"), ChangeSetName: aws.String("mine")})
		return err == nil && set.Status == types.ChangeSetStatusFailed
	}, patience, 50*time.Millisecond)

	text, all := f.diagnose(func(in *diagnose.Input) { in.Stack = []string{"Custom", "Manual,Stores", "Owner", "Nowhere"} })
	text = day.ReplaceAllString(varying.ReplaceAllStringFunc(day.ReplaceAllString(text, "DAY"), func(found string) string {
		if strings.Count(found, ":") == 2 {
			return "12:00:00"
		}
		return ""
	}), "DAY")
	golden := filepath.Join("testdata", "failing", "20-diagnose.txt")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), text)
	require.Len(t, all, 5)
	assert.Equal(t, "Custom/Migration/Default", all[0].Cause.Path)
	assert.Regexp(t, `^app\.js:\d+$`, all[0].Cause.Source)
	assert.Equal(t, "Manual/Made/Resource", all[1].Cause.Path, "the template knows what no app knows")
	assert.Equal(t, "Taken", all[2].Findings[0].LogicalID)
	assert.False(t, all[3].Failed)

	// What a run did, although the stack was deployed again since.
	f.Stacks().ClearFaults()
	_, err = f.deploy(f.after, "Custom")
	require.NoError(t, err)
	_, all = f.diagnose(func(in *diagnose.Input) { in.Stack = []string{"Custom"} })
	assert.False(t, all[0].Failed)
	summary, err := json.Marshal(engine.Summary{Environment: "dev", Stacks: []engine.StackSummary{{Stack: "Custom", Action: "failed"}, {Stack: "Owner", Action: "unchanged"}}})
	require.NoError(t, err)
	record, err := json.Marshal(map[string]any{"steps": []stage.Record{{Stage: "deployer-environment", Started: began, Ended: ended, Outputs: map[string]string{"summary": string(summary)}}}})
	require.NoError(t, err)
	require.NoError(t, f.stored.Put(t.Context(), bucket.RunRecordKey("run-1"), record))
	text, all = f.diagnose(func(in *diagnose.Input) { in.Run, in.Bucket, in.JSON = "run-1", "artifacts", true })
	require.Len(t, all, 1, "the stack that the run did not change is left out")
	assert.True(t, all[0].Failed)
	assert.Equal(t, "ROLLBACK_COMPLETE", all[0].Ended)
	var document struct{ Diagnoses []engine.Diagnosis }
	require.NoError(t, json.Unmarshal([]byte(text), &document))
	assert.Equal(t, "Migration", document.Diagnoses[0].Cause.LogicalID)
	assert.Contains(t, text, "relation")
}
