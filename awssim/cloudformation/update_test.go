package cloudformation_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

func TestAFailedUpdateIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.host.handlers["AWS::S3::Bucket"] = true
		c.host.handlers["Custom::Thing"] = true
		c.create("app", before)
		had := c.resources("app")
		c.engine.FailResource(cloudformation.Rule{LogicalID: "Fn", Operation: "UPDATE", Times: 1, Reason: "no"})
		s := c.update("app", after, func(in *cfn.UpdateStackInput) { in.Parameters = parameters("Name", "two") })
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus)
		assert.Equal(t, "one", *s.Parameters[0].ParameterValue)
		assert.Equal(t, had, c.resources("app"))
		lines := c.events("app")
		text := strings.Join(lines, "\n")
		assert.Contains(t, text, "app UPDATE_ROLLBACK_IN_PROGRESS: The following resource(s) failed to update: [Fn]. ")
		assert.Contains(t, text, "app UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
		assert.Contains(t, text, "New DELETE_COMPLETE")
		assert.Less(t, position(t, lines, "app UPDATE_ROLLBACK_COMPLETE_CLEANUP"), position(t, lines, "Table DELETE_COMPLETE"))
		assert.Len(t, c.host.alive, 2, "the new bucket is gone, the old one is there")
		template, err := c.cfn.GetTemplate(t.Context(), &cfn.GetTemplateInput{StackName: aws.String("app")})
		require.NoError(t, err)
		assert.Equal(t, before, *template.TemplateBody)

		assert.Equal(t, types.StackStatusUpdateComplete, c.update("app", after).StackStatus)
	})
}

const pair = `
Parameters: {V: {Type: String, Default: '1'}}
Resources:
  A: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref V}}
  B: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: !Ref V}, DependsOn: A}
  C: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: !Ref V}}
`

func versioned(v string) func(*cfn.UpdateStackInput) {
	return func(in *cfn.UpdateStackInput) { in.Parameters = parameters("V", v) }
}

func keeping(v string) func(*cfn.UpdateStackInput) {
	return func(in *cfn.UpdateStackInput) { in.Parameters, in.DisableRollback = parameters("V", v), aws.Bool(true) }
}

func TestAFailedUpdateWithoutRollbackCanBeContinuedOrRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", pair)
		c.engine.FailResource(cloudformation.Rule{LogicalID: "A", Operation: "UPDATE", Times: 2})
		s := c.update("app", pair, keeping("2"))
		assert.Equal(t, types.StackStatusUpdateFailed, s.StackStatus)
		assert.Contains(t, c.events("app"), "C UPDATE_COMPLETE", "independent resources go on")
		assert.NotContains(t, c.events("app"), "B UPDATE_IN_PROGRESS", "dependent ones do not start")

		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{StackName: aws.String("app"), TemplateBody: aws.String(pair)})
		refused(t, err, "ValidationError", "This stack is currently in a non-terminal [UPDATE_FAILED] state.")
		assert.Equal(t, types.StackStatusUpdateFailed, c.update("app", pair, keeping("2")).StackStatus)
		assert.Equal(t, types.StackStatusUpdateComplete, c.update("app", pair, keeping("2")).StackStatus)

		c.engine.FailResource(cloudformation.Rule{LogicalID: "A", Operation: "UPDATE", Times: 1})
		assert.Equal(t, types.StackStatusUpdateFailed, c.update("app", pair, keeping("3")).StackStatus)
		_, err = c.cfn.RollbackStack(t.Context(), &cfn.RollbackStackInput{StackName: aws.String("app")})
		require.NoError(t, err)
		s = c.wait("app")
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus)
		assert.Equal(t, "2", *s.Parameters[0].ParameterValue)
	})
}

func TestAFailedCreationWithoutRollbackCanBeFinishedOrRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		keep := func(in *cfn.CreateStackInput) { in.DisableRollback = aws.Bool(true) }
		c.engine.FailResource(cloudformation.Rule{LogicalID: "A", Times: 2})
		assert.Equal(t, types.StackStatusCreateFailed, c.create("one", pair, keep).StackStatus)
		assert.Equal(t, types.StackStatusCreateFailed, c.create("two", pair, keep).StackStatus)
		assert.Equal(t, types.StackStatusUpdateComplete, c.update("one", pair, keeping("1")).StackStatus)
		_, err := c.cfn.RollbackStack(t.Context(), &cfn.RollbackStackInput{StackName: aws.String("two")})
		require.NoError(t, err)
		assert.Equal(t, types.StackStatusRollbackComplete, c.wait("two").StackStatus)
		_, err = c.cfn.RollbackStack(t.Context(), &cfn.RollbackStackInput{StackName: aws.String("two")})
		refused(t, err, "ValidationError", "can not be rolled back")
	})
}

func TestAFailedRollbackIsContinuedWithOrWithoutTheResource(t *testing.T) {
	for _, skip := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t, cloudformation.Options{})
			defer c.engine.Close()
			c.create("app", pair)
			c.engine.FailResource(cloudformation.Rule{LogicalID: "B", Operation: "UPDATE", Times: 1})
			c.engine.FailResource(cloudformation.Rule{LogicalID: "B", Operation: "UPDATE", Reason: "still broken"})
			s := c.update("app", pair, versioned("2"))
			assert.Equal(t, types.StackStatusUpdateRollbackFailed, s.StackStatus)
			assert.Equal(t, "The following resource(s) failed to update: [B]. ", *s.StackStatusReason)

			in := &cfn.ContinueUpdateRollbackInput{StackName: aws.String("app")}
			if skip {
				in.ResourcesToSkip = []string{"B"}
			} else {
				c.engine.ClearFaults()
			}
			_, err := c.cfn.ContinueUpdateRollback(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, types.StackStatusUpdateRollbackComplete, c.wait("app").StackStatus)
			assert.Equal(t, skip, strings.Contains(strings.Join(c.events("app"), "\n"), "B UPDATE_COMPLETE: Resource skipped during UpdateRollback"))
		})
	}
}

func TestACancelledUpdateIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{ResourceTime: func(string, string) time.Duration { return time.Minute }})
		defer c.engine.Close()
		c.create("app", pair)
		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{
			StackName: aws.String("app"), UsePreviousTemplate: aws.Bool(true), Parameters: parameters("V", "2"),
		})
		require.NoError(t, err)
		time.Sleep(30 * time.Second)
		_, err = c.cfn.CancelUpdateStack(t.Context(), &cfn.CancelUpdateStackInput{StackName: aws.String("app")})
		require.NoError(t, err)
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, c.wait("app").StackStatus)
		lines := c.events("app")
		assert.Contains(t, lines, "A UPDATE_FAILED: Resource update cancelled")
		assert.NotContains(t, lines, "B UPDATE_IN_PROGRESS")
		_, err = c.cfn.CancelUpdateStack(t.Context(), &cfn.CancelUpdateStackInput{StackName: aws.String("app")})
		refused(t, err, "ValidationError", "CancelUpdateStack cannot be called from current stack status")
	})
}

func TestANamedResourceIsNotReplacedUnderItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		const body = "Resources: {T: {Type: AWS::DynamoDB::Table, Properties: {TableName: orders, KeySchema: [%]}}}"
		c.create("app", strings.Replace(body, "%", "a", 1))
		s := c.update("app", strings.Replace(body, "%", "b", 1))
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus)
		assert.Contains(t, c.events("app"), "T UPDATE_FAILED: CloudFormation cannot update a stack when a custom-named "+
			"resource requires replacing. Rename orders and update the stack again.")
	})
}

func TestTagsOutputsAndNotificationsAloneAreUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", pair)
		s := c.update("app", pair, func(in *cfn.UpdateStackInput) { in.Tags = tags("team", "a") })
		assert.Len(t, s.Tags, 1)
		s = c.update("app", pair+"Outputs: {O: {Value: x}}")
		assert.Equal(t, "x", outputs(s)["O"])
		assert.Len(t, s.Tags, 1, "omitted members keep their values")
		s = c.update("app", pair+"Outputs: {O: {Value: x}}", func(in *cfn.UpdateStackInput) { in.NotificationARNs = []string{"arn:aws:sns:eu-west-1:111111111111:x"} })
		assert.Equal(t, []string{"arn:aws:sns:eu-west-1:111111111111:x"}, s.NotificationARNs)
		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{StackName: aws.String("app"), TemplateBody: aws.String(pair), NotificationARNs: []string{"some-topic"}})
		refused(t, err, "ValidationError", "some-topic is not the ARN of an SNS topic")
		assert.Len(t, c.resources("app"), 3)
	})
}

func TestAnUpdateIsStartedOnceByItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", pair)
		for range 2 {
			_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{
				StackName: aws.String("app"), TemplateBody: aws.String(pair), Parameters: parameters("V", "2"), ClientRequestToken: aws.String("t"),
			})
			require.NoError(t, err)
		}
		c.wait("app")
		assert.Equal(t, 1, strings.Count(strings.Join(c.events("app"), "\n"), "A UPDATE_COMPLETE"))
		_, err := c.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("app"), ClientRequestToken: aws.String("t")})
		refused(t, err, "TokenAlreadyExistsException", "t")
	})
}

func TestAValueFromTheStoreIsReadAgainAtEveryUpdate(t *testing.T) {
	const body = `
Parameters: {V: {Type: AWS::SSM::Parameter::Value<String>, Default: /v}}
Resources: {A: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref V}}}`
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.host.parameters["/v"] = "1"
		s := c.create("app", body)
		assert.Equal(t, "/v", *s.Parameters[0].ParameterValue)
		assert.Equal(t, "1", *s.Parameters[0].ResolvedValue)
		c.host.parameters["/v"] = "2"
		cs := c.review("app", "cs", body, types.ChangeSetTypeUpdate)
		assert.Equal(t, []string{"Modify A False Properties.DisplayName:Static/ParameterReference/V"}, summary(cs))
	})
}
