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

func TestEarlyValidationWarnsOfWhatMayFailAndTheChangeSetCanBeExecuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("owner", "Resources: {R: {Type: AWS::Config::ConfigurationRecorder, Properties: {RoleARN: r}}, B: {Type: AWS::S3::Bucket, Properties: {BucketName: full}}, E: {Type: AWS::ECR::Repository, Properties: {RepositoryName: images}}, Q: {Type: AWS::SQS::Queue}}")
		c.host.full = map[string]bool{"full": true, "images": true}
		c.engine.Limit("AWS::SNS::Topic", 1)
		set := c.review("owner", "next", "Resources: {R: {Type: AWS::Config::ConfigurationRecorder, Properties: {RoleARN: r}}, S: {Type: AWS::Config::ConfigurationRecorder, Properties: {RoleARN: r}}, A: {Type: AWS::SNS::Topic}, C: {Type: AWS::SNS::Topic}}", types.ChangeSetTypeUpdate)
		require.Equal(t, types.ChangeSetStatusCreateComplete, set.Status)
		described, err := c.cfn.DescribeEvents(t.Context(), &cfn.DescribeEventsInput{ChangeSetName: set.ChangeSetId, Filters: &types.EventFilter{FailedEvents: aws.Bool(true)}})
		require.NoError(t, err)
		found := map[string]string{}
		for _, e := range described.OperationEvents {
			assert.Equal(t, types.HookFailureModeWarn, e.ValidationFailureMode)
			assert.Equal(t, types.ValidationStatusFailed, e.ValidationStatus)
			found[*e.LogicalResourceId] = *e.ValidationName
		}
		assert.Equal(t, map[string]string{
			"B": "BUCKET_EMPTINESS_VALIDATION", "E": "ECR_REPOSITORY_DELETE_VALIDATION", "S": "CONFIG_RECORDER_CONFLICT_VALIDATION", "C": "SERVICE_QUOTA_VALIDATION",
		}, found)
	})
}

func TestAHookRefusesAChangeSetOrAResourceAndSaysWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.engine.ActivateHook(cloudformation.Hook{Name: "Acme::Guard::Whole", Type: "AWS::S3::Bucket", WholeChangeSet: true, Reason: "not compliant", Rules: []cloudformation.HookRule{
			{Name: "ENCRYPTED", Message: "not encrypted", Remediation: "encrypt it"}, {Name: "PRIVATE", Passed: true},
		}})
		c.engine.ActivateHook(cloudformation.Hook{Name: "Acme::Lambda::Each", Type: "AWS::SQS::Queue", Reason: "queues need tags"})
		c.engine.ActivateHook(cloudformation.Hook{Name: "Acme::Lambda::Advice", Type: "AWS::SQS::Queue", Reason: "a hint", Warns: true})

		set := c.review("new", "first", "Resources: {B: {Type: AWS::S3::Bucket}}", types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, set.Status)
		assert.Equal(t, "The following hook(s) failed: [Acme::Guard::Whole]", *set.StatusReason)
		listed, err := c.cfn.ListHookResults(t.Context(), &cfn.ListHookResultsInput{TargetType: types.ListHookResultsTargetTypeChangeSet, TargetId: set.ChangeSetId})
		require.NoError(t, err)
		require.Len(t, listed.HookResults, 1)
		assert.Equal(t, types.HookStatusHookCompleteFailed, listed.HookResults[0].Status)
		got, err := c.cfn.GetHookResult(t.Context(), &cfn.GetHookResultInput{HookResultId: listed.HookResults[0].HookResultId})
		require.NoError(t, err)
		require.Len(t, got.Annotations, 2)
		assert.Equal(t, "encrypt it", *got.Annotations[0].RemediationMessage)
		assert.Equal(t, types.AnnotationStatusPassed, got.Annotations[1].Status)

		_, err = c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: aws.String("queue"), TemplateBody: aws.String("Resources: {Q: {Type: AWS::SQS::Queue}}"), DisableRollback: aws.Bool(true)})
		require.NoError(t, err)
		c.wait("queue")
		events, err := c.cfn.DescribeStackEvents(t.Context(), &cfn.DescribeStackEventsInput{StackName: aws.String("queue")})
		require.NoError(t, err)
		byHook := map[string]types.StackEvent{}
		reason := ""
		for _, e := range events.StackEvents {
			if e.HookType != nil {
				byHook[*e.HookType] = e
			} else if e.ResourceStatus == types.ResourceStatusCreateFailed && *e.LogicalResourceId == "Q" {
				reason = *e.ResourceStatusReason
			}
		}
		assert.Equal(t, "The following hook(s) failed: [Acme::Lambda::Each]", reason)
		assert.Equal(t, types.HookFailureModeWarn, byHook["Acme::Lambda::Advice"].HookFailureMode)
		assert.Equal(t, types.HookStatusHookCompleteFailed, byHook["Acme::Lambda::Each"].HookStatus)
		got, err = c.cfn.GetHookResult(t.Context(), &cfn.GetHookResultInput{HookResultId: byHook["Acme::Lambda::Each"].HookInvocationId})
		require.NoError(t, err)
		assert.Equal(t, "queues need tags", *got.HookStatusReason)
	})
}

func TestTheInputOfHookResultsIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		_, err := c.cfn.GetHookResult(t.Context(), &cfn.GetHookResultInput{HookResultId: aws.String("1")})
		refused(t, err, "HookResultNotFound", "Hook result 1 was not found")
		_, err = c.cfn.ListHookResults(t.Context(), &cfn.ListHookResultsInput{TargetType: types.ListHookResultsTargetTypeChangeSet})
		refused(t, err, "ValidationError", "TargetType and TargetId must be specified together")
		_, err = c.cfn.ListHookResults(t.Context(), &cfn.ListHookResultsInput{TargetType: types.ListHookResultsTargetTypeChangeSet, TargetId: aws.String("arn:x")})
		refused(t, err, "HookResultNotFound", "No Hook results were found for the target arn:x")
	})
}
