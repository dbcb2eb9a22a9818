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

func TestAChangeSetThatEarlyValidationRefusesIsExplainedByDescribeEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("owner", "Resources: {Fn: {Type: AWS::Lambda::Function, Properties: {FunctionName: orders, Code: {ZipFile: x}, Role: r}}}")
		body := `
Resources:
  Mine: {Type: AWS::Lambda::Function, Properties: {FunctionName: orders, Code: {ZipFile: x}, Role: r}}
  Bare: {Type: AWS::Lambda::Permission, Properties: {Action: a}}`
		set := c.review("new", "first", body, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, set.Status)
		assert.Equal(t, "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation, AWS::EarlyValidation::ResourceExistenceCheck]. "+
			"To troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure information.", *set.StatusReason)

		described, err := c.cfn.DescribeEvents(t.Context(), &cfn.DescribeEventsInput{
			ChangeSetName: set.ChangeSetId, Filters: &types.EventFilter{FailedEvents: aws.Bool(true)},
		})
		require.NoError(t, err)
		var lines []string
		for _, ev := range described.OperationEvents {
			assert.Equal(t, types.EventTypeValidationError, ev.EventType)
			assert.Equal(t, types.OperationTypeCreateChangeset, ev.OperationType)
			assert.Equal(t, types.ValidationStatusFailed, ev.ValidationStatus)
			assert.Equal(t, types.HookFailureModeFail, ev.ValidationFailureMode)
			assert.Equal(t, *set.StackId, *ev.StackId)
			lines = append(lines, *ev.ValidationName+" "+*ev.LogicalResourceId+" "+*ev.ResourceType+" "+*ev.ValidationPath+": "+*ev.ValidationStatusReason)
		}
		assert.Equal(t, []string{
			"PROPERTY_VALIDATION Bare AWS::Lambda::Permission /Resources/Bare/Properties: required key [FunctionName] not found",
			"PROPERTY_VALIDATION Bare AWS::Lambda::Permission /Resources/Bare/Properties: required key [Principal] not found",
			"NAME_CONFLICT_VALIDATION Mine AWS::Lambda::Function /Resources/Mine/Properties/FunctionName: Resource of type 'AWS::Lambda::Function' with identifier 'orders' already exists.",
		}, lines)

		all, err := c.cfn.DescribeEvents(t.Context(), &cfn.DescribeEventsInput{ChangeSetName: set.ChangeSetId})
		require.NoError(t, err)
		require.Len(t, all.OperationEvents, 5)
		end, begin := all.OperationEvents[0], all.OperationEvents[4]
		for status, ev := range map[types.BeaconStackOperationStatus]types.OperationEvent{types.BeaconStackOperationStatusFailed: end, types.BeaconStackOperationStatusInProgress: begin} {
			assert.Equal(t, types.EventTypeStackEvent, ev.EventType)
			assert.Equal(t, status, ev.OperationStatus)
			assert.Equal(t, *all.OperationEvents[1].OperationId, *ev.OperationId)
		}
		assert.True(t, end.EndTime.After(*begin.StartTime))
		same, err := c.cfn.DescribeEvents(t.Context(), &cfn.DescribeEventsInput{OperationId: begin.OperationId})
		require.NoError(t, err)
		assert.Equal(t, all.OperationEvents, same.OperationEvents)

		unchecked := c.review("other", "first", body, types.ChangeSetTypeCreate, func(in *cfn.CreateChangeSetInput) { in.DisableValidation = aws.Bool(true) })
		assert.Equal(t, types.ChangeSetStatusCreateComplete, unchecked.Status)
	})
}

func TestEventsAreFoundByTheirOperationAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		body := "Resources: {T: {Type: AWS::SNS::Topic}}"
		made, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: aws.String("one"), TemplateBody: &body})
		require.NoError(t, err)
		c.wait("one")
		described, err := c.cfn.DescribeEvents(t.Context(), &cfn.DescribeEventsInput{OperationId: made.OperationId})
		require.NoError(t, err)
		assert.Equal(t, "CREATE_COMPLETE", string(described.OperationEvents[0].ResourceStatus))
		_, err = c.cfn.DescribeEvents(t.Context(), &cfn.DescribeEventsInput{OperationId: aws.String("nothing")})
		refused(t, err, "ValidationError", "One of ChangeSetName, OperationId or StackName must be specified")
	})
}
