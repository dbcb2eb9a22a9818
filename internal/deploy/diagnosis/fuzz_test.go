package diagnosis_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/aphex/aphex-pipeline/internal/deploy/diagnosis"
)

// FuzzLook holds that whatever a resource is called and a function logs, the logs of functions
// of the own account alone are read, and what is shown is bounded, without secrets.
func FuzzLook(f *testing.F) {
	f.Add("Custom::Migration", custom.Properties, custom.Reason, "the password is hunter2\nSTART RequestId: 1\n")
	f.Add("AWS::CloudFormation::CustomResource", `{"ServiceToken":"arn:aws:lambda:x:222222222222:function:a/../b"}`, "", "")
	f.Add("AWS::ECS::Service", "arn:aws:ecs:eu-west-1:111111111111:service/a/b/c", "is not authorized to perform: sqs:SendMessage on resource: arn with an explicit deny", "x")
	f.Add("AWS::SQS::Queue", "", "User: arn:aws:iam::1:user/a is not authorized to perform: s3:GetObject because no identity-based policy allows the s3:GetObject action", "\x1b[31m")
	f.Fuzz(func(t *testing.T, kind, properties, reason, logged string) {
		asked := func(in *cloudwatchlogs.FilterLogEventsInput) (*cloudwatchlogs.FilterLogEventsOutput, error) {
			if name, is := strings.CutPrefix(*in.LogGroupName, "/aws/lambda/"); !is || name == "" || strings.ContainsAny(name, "/.:") || !strings.Contains(properties, "111111111111") {
				t.Errorf("%q: the log %q is read", properties, *in.LogGroupName)
			}
			return &cloudwatchlogs.FilterLogEventsOutput{Events: []logtypes.FilteredLogEvent{{Message: &logged}}}, nil
		}
		eyes := account{filter: asked, list: func(*ecs.ListTasksInput) (*ecs.ListTasksOutput, error) {
			return &ecs.ListTasksOutput{TaskArns: []string{"a"}}, nil
		}, tasks: []ecstypes.Task{{Group: aws.String("service:c"), StoppedReason: &logged}}}.eyes()
		for _, found := range eyes.Look(t.Context(), []diagnosis.Subject{{LogicalID: "A", Type: kind, PhysicalID: properties, Properties: properties, Reason: reason, Began: custom.Began, Failed: custom.Failed}}) {
			if len(found.Lines) > 20 {
				t.Errorf("%d lines", len(found.Lines))
			}
			for _, line := range found.Lines {
				if len([]rune(line)) > 5000 || strings.ContainsFunc(line, unicode.IsControl) || found.Source != "denied call of A" && strings.Contains(line, "hunter2") {
					t.Errorf("%q: %q", found.Source, line)
				}
			}
		}
	})
}
