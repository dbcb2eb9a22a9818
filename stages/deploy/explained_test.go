package deploy_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/ecs"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly/assemblytest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/stages/deploy"
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

// break_ sets up what makes the stacks fail.
func (f failing) break_() {
	f.t.Helper()
	key, url := f.AddAccount(dev), f.URL()
	cfg := aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: static.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")}
	_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(f.t.Context(), &s3.PutObjectInput{Bucket: aws.String("uploads"), Key: aws.String("a"), Body: strings.NewReader("a")})
	require.NoError(f.t, err)
	_, err = ecr.NewFromConfig(cfg).PutImage(f.t.Context(), &ecr.PutImageInput{RepositoryName: aws.String("images"), ImageTag: aws.String("1"), ImageManifest: aws.String(`{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}`)})
	require.NoError(f.t, err)
	stacks := f.Stacks()
	stacks.Limit("AWS::EC2::EIP", 1)
	stacks.ActivateHook(cloudformation.Hook{Name: "Acme::Guard::Tables", Type: "AWS::DynamoDB::Table", WholeChangeSet: true, Reason: "Template failed validation, the following rule(s) failed: TABLE_ENCRYPTED, TABLE_BACKED_UP.", Rules: []cloudformation.HookRule{
		{Name: "TABLE_ENCRYPTED", Message: "SSESpecification must be set", Remediation: "encrypt the table with a key of your own"},
		{Name: "TABLE_BACKED_UP", Message: "PointInTimeRecovery must be enabled"},
		{Name: "TABLE_PRIVATE", Passed: true},
	}})
	stacks.ActivateHook(cloudformation.Hook{Name: "Acme::Lambda::Streams", Type: "AWS::Kinesis::Stream", Reason: "a stream needs the tag owner", Rules: []cloudformation.HookRule{{Name: "OWNED", Message: "the tag owner is missing"}}})
	stacks.FailResource(cloudformation.Rule{Type: "Custom::Migration", Operation: "CREATE", Reason: "Received response status [FAILED] from custom resource. Message returned: See the details in CloudWatch Log Stream: 2026/11/27/[$LATEST]abc (RequestId: 8e2a)"})
	f.Logs().Write(dev, "eu-west-1", "/aws/lambda/migrate", "2026/11/27/[$LATEST]abc", "START RequestId: 8e2a Version: $LATEST\n", "connecting with AKIAIOSFODNN7EXAMPLE\n",
		"Error: relation \"orders\" does not exist\n    at migrate (/var/task/index.js:12:9)\n", "END RequestId: 8e2a\n")
	stacks.FailResource(cloudformation.Rule{Type: "AWS::ECS::Service", Operation: "CREATE", Late: true, Reason: `Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'." (HandlerErrorCode: GeneralServiceException)`})
	code := 137
	for _, id := range []string{"task1", "task2", "task3"} {
		f.Tasks().Stop(dev, "eu-west-1", ecs.Task{
			ID: id, Cluster: "shop", Service: "web", StopCode: "EssentialContainerExited", StoppedReason: "Essential container in task exited",
			Containers: []ecs.Container{{Name: "web", Reason: "OutOfMemoryError: container killed due to memory usage", ExitCode: &code}},
		})
	}
	stacks.FailResource(cloudformation.Rule{Stack: "Denied", Operation: "CREATE", Reason: `Resource handler returned message: "User: arn:aws:sts::111111111111:assumed-role/cdk-hnb659fds-cfn-exec-role-111111111111-eu-west-1/AWSCloudFormation is not authorized to perform: sqs:CreateQueue on resource: arn:aws:sqs:eu-west-1:111111111111:denied because no identity-based policy allows the sqs:CreateQueue action (Service: Sqs, Status Code: 403)" (HandlerErrorCode: AccessDenied)`})
	stacks.FailResource(cloudformation.Rule{Stack: "Network", Operation: "CREATE", Reason: `Resource handler returned message: "The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400)" (HandlerErrorCode: ServiceLimitExceeded)`})
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
