package cfn_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

const earlyValidation = "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information."

func refusing() *fake {
	f := newFake()
	f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
		set.Status, set.StatusReason = types.ChangeSetStatusFailed, aws.String(earlyValidation)
	}
	return f
}

func TestAChangeSetRefusedByEarlyValidationIsExplainedAndDeleted(t *testing.T) {
	known := goal
	known.ConstructPath = func(_ []string, id string) string { return "Shop/" + id }
	known.Source = func(path string) string { return map[string]string{"Shop/Bad": "lib/shop.ts:12"}[path] }
	setUp := func() *fake {
		f := refusing()
		f.findings = []types.OperationEvent{
			{
				LogicalResourceId: aws.String("Bad"), ResourceType: aws.String("AWS::IAM::Policy"), ValidationFailureMode: types.HookFailureModeFail,
				ValidationPath: aws.String("/Resources/Bad/Properties/PolicyName"), ValidationStatusReason: aws.String("is too\n long"),
			},
			{LogicalResourceId: aws.String("Other"), ResourceType: aws.String("AWS::SQS::Queue"), HookType: aws.String("My::Guard::Hook"), HookStatusReason: aws.String("not encrypted")},
			{LogicalResourceId: aws.String("Fine"), ValidationFailureMode: types.HookFailureModeWarn, ValidationStatusReason: aws.String("a mere warning")},
		}
		return f
	}
	deploy(t, setUp, cfn.Options{}, known, func(t *testing.T, f *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `the change set of stack "Shop" was refused before anything changed:
  Bad (AWS::IAM::Policy, Shop/Bad, lib/shop.ts:12): is too long (property PolicyName)
  Other (AWS::SQS::Queue, Shop/Other): not encrypted; hook My::Guard::Hook`)
		assert.Equal(t, errs.Failed, errs.KindOf(err))
		assert.Equal(t, "CreateChangeSet DeleteChangeSet DeleteStack", f.mutations())
	})
}

func TestWithoutAccessToTheFindingsTheErrorHasAHint(t *testing.T) {
	setUp := func() *fake {
		f := refusing()
		f.fails["DescribeEvents"] = []error{apiError("AccessDenied", "no")}
		return f
	}
	deploy(t, setUp, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `the change set of stack "Shop" was refused before anything changed: The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation].`)
		assert.Contains(t, errs.HintOf(err), "bootstrap the account again")
		assert.NotContains(t, err.Error()+errs.HintOf(err), "API")
	})
}

func TestAHookThatRefusesAChangeSetIsExplainedByItsRules(t *testing.T) {
	setUp := func() *fake {
		f := newFake()
		f.prepare = func(set *cloudformation.DescribeChangeSetOutput) {
			set.Status = types.ChangeSetStatusFailed
			set.StatusReason = aws.String("The following hook(s) failed: [Acme::Guard::Encryption]. To see the reason, use the DescribeEvents API.")
		}
		f.hooks = []types.HookResultSummary{
			{HookResultId: aws.String("1"), TypeName: aws.String("Acme::Guard::Encryption"), Status: types.HookStatusHookCompleteFailed, FailureMode: types.HookFailureModeFail, HookStatusReason: aws.String("Template failed validation")},
			{HookResultId: aws.String("2"), TypeName: aws.String("Acme::Cost::Check"), Status: types.HookStatusHookCompleteSucceeded},
			{HookResultId: aws.String("3"), TypeName: aws.String("Acme::Lambda::Tags"), Status: types.HookStatusHookFailed, FailureMode: types.HookFailureModeWarn},
		}
		f.rules = map[string][]types.Annotation{"1": {
			{AnnotationName: aws.String("S3_ENCRYPTED"), Status: types.AnnotationStatusFailed, StatusMessage: aws.String("Bucket is not\n encrypted"), RemediationMessage: aws.String("set BucketEncryption")},
			{AnnotationName: aws.String("S3_PRIVATE"), Status: types.AnnotationStatusPassed},
		}}
		return f
	}
	deploy(t, setUp, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `the change set of stack "Shop" was refused before anything changed:
  Template failed validation; hook Acme::Guard::Encryption
    S3_ENCRYPTED: Bucket is not encrypted; to fix it: set BucketEncryption`)
		assert.Contains(t, errs.HintOf(err), "hook")
	})
}

func TestWarningsAreReportedAndStopNothing(t *testing.T) {
	var warned []string
	setUp := func() *fake {
		f, warning := newFake(), types.HookFailureModeWarn
		f.findings = []types.OperationEvent{{
			LogicalResourceId: aws.String("Uploads"), ResourceType: aws.String("AWS::S3::Bucket"), ValidationFailureMode: warning,
			ValidationStatus: types.ValidationStatusFailed, ValidationStatusReason: aws.String("the bucket has objects"),
		}}
		warned = nil
		return f
	}
	o := cfn.Options{Notify: func(e cfn.Event) {
		if e.Phase == cfn.Warning {
			warned = append(warned, e.Text)
		}
	}}
	deploy(t, setUp, o, goal, func(t *testing.T, _ *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Equal(t, cfn.Created, result.Action)
		assert.Equal(t, []string{"Uploads (AWS::S3::Bucket): the bucket has objects"}, warned)
		require.Len(t, result.Warnings, 1)
		assert.Equal(t, "Uploads", result.Warnings[0].LogicalID)
	})
}

func TestAnUnreadableWarningStopsNothing(t *testing.T) {
	setUp := func() *fake {
		f := newFake()
		f.fails["DescribeEvents"] = []error{apiError("AccessDenied", "no")}
		return f
	}
	deploy(t, setUp, cfn.Options{}, goal, func(t *testing.T, _ *fake, result cfn.Result, err error) {
		require.NoError(t, err)
		assert.Empty(t, result.Warnings)
	})
}

func TestADeniedCallReportsTheMessageOfAWSWithAHint(t *testing.T) {
	setUp := func() *fake {
		f := newFake()
		f.fails["CreateChangeSet"] = []error{&smithy.OperationError{
			ServiceID: "CloudFormation", OperationName: "CreateChangeSet",
			Err: apiError("ValidationError", "S3 error: User: deploy-role is not authorized to perform: s3:GetObject on resource: x"),
		}}
		return f
	}
	deploy(t, setUp, cfn.Options{}, goal, func(t *testing.T, _ *fake, _ cfn.Result, err error) {
		require.EqualError(t, err, `creating the change set of stack "Shop": ValidationError: S3 error: User: deploy-role is not authorized to perform: s3:GetObject on resource: x`)
		assert.Contains(t, errs.HintOf(err), "may not read the template")
		assert.Equal(t, errs.Failed, errs.KindOf(err))
	})
}
