package cloudformation_test

import (
	"errors"
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

func TestADeletedStackIsFoundByItsARNOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("shop", shop)
		s := c.remove("shop")
		assert.Equal(t, types.StackStatusDeleteComplete, s.StackStatus)
		assert.NotNil(t, s.DeletionTime)
		lines := c.events(*s.StackId)
		assert.Less(t, position(t, lines, "Topic DELETE_COMPLETE"), position(t, lines, "Queue DELETE_IN_PROGRESS"))

		_, err := c.cfn.DescribeStacks(t.Context(), &cfn.DescribeStacksInput{StackName: aws.String("shop")})
		refused(t, err, "ValidationError", "Stack with id shop does not exist")
		_, err = c.cfn.DescribeStackEvents(t.Context(), &cfn.DescribeStackEventsInput{StackName: aws.String("shop")})
		refused(t, err, "ValidationError", "Stack [shop] does not exist")
		_, err = c.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("shop")})
		require.NoError(t, err, "deleting a deleted stack is no error")
		again := c.create("shop", shop)
		assert.NotEqual(t, *s.StackId, *again.StackId)
		list, err := c.cfn.ListStacks(t.Context(), &cfn.ListStacksInput{StackStatusFilter: []types.StackStatus{types.StackStatusDeleteComplete}})
		require.NoError(t, err)
		assert.Len(t, list.StackSummaries, 1)
	})
}

func TestTerminationProtectionKeepsAStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("shop", shop, func(in *cfn.CreateStackInput) { in.EnableTerminationProtection = aws.Bool(true) })
		_, err := c.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("shop")})
		refused(t, err, "ValidationError", "Stack [shop] cannot be deleted while TerminationProtection is enabled")
		_, err = c.cfn.UpdateTerminationProtection(t.Context(), &cfn.UpdateTerminationProtectionInput{
			StackName: aws.String("shop"), EnableTerminationProtection: aws.Bool(false),
		})
		require.NoError(t, err)
		assert.Equal(t, types.StackStatusDeleteComplete, c.remove("shop").StackStatus)
	})
}

func TestWhatCannotBeDeletedCanBeRetainedOrForced(t *testing.T) {
	for _, force := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t, cloudformation.Options{})
			defer c.engine.Close()
			id := *c.create("shop", shop).StackId
			c.host.refuse = func(r cloudformation.ResourceRequest) error {
				if r.LogicalID == "Queue" {
					return errors.New("The queue is not empty")
				}
				return nil
			}
			_, err := c.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("shop"), RetainResources: []string{"Queue"}})
			refused(t, err, "ValidationError", "only when the stack is in the DELETE_FAILED state")
			s := c.remove("shop")
			assert.Equal(t, types.StackStatusDeleteFailed, s.StackStatus)
			assert.Equal(t, "The following resource(s) failed to delete: [Queue]. ", *s.StackStatusReason)
			assert.Contains(t, c.events("shop"), "Queue DELETE_FAILED: The queue is not empty")

			in := &cfn.DeleteStackInput{StackName: aws.String("shop")}
			if force {
				in.DeletionMode = types.DeletionModeForceDeleteStack
			} else {
				in.RetainResources = []string{"Queue"}
			}
			_, err = c.cfn.DeleteStack(t.Context(), in)
			require.NoError(t, err)
			assert.Equal(t, types.StackStatusDeleteComplete, c.wait(id).StackStatus)
			assert.Contains(t, strings.Join(c.events(id), "\n"), "Queue DELETE_SKIPPED")
		})
	}
}

func TestDeletingAStackInCreationInterruptsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{ResourceTime: func(string, string) time.Duration { return time.Minute }})
		defer c.engine.Close()
		out, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: aws.String("shop"), TemplateBody: aws.String(shop)})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		_, err = c.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("shop")})
		require.NoError(t, err)
		assert.Equal(t, types.StackStatusDeleteComplete, c.wait(*out.StackId).StackStatus)
		lines := c.events(*out.StackId)
		assert.Contains(t, lines, "Table CREATE_FAILED: Resource creation cancelled")
		assert.Contains(t, lines, "Table DELETE_COMPLETE")
		assert.NotContains(t, strings.Join(lines, "\n"), "Topic")
	})
}

func TestAStackInUpdateIsNotDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", pair)
		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{
			StackName: aws.String("app"), UsePreviousTemplate: aws.Bool(true), Parameters: parameters("V", "2"),
		})
		require.NoError(t, err)
		_, err = c.cfn.DeleteStack(t.Context(), &cfn.DeleteStackInput{StackName: aws.String("app")})
		refused(t, err, "ValidationError", "cannot be deleted while in status UPDATE_IN_PROGRESS")
		c.wait("app")
	})
}

func TestDeletionPoliciesDecideWhatARollbackRetains(t *testing.T) {
	const body = `
Resources:
  Kept: {Type: AWS::SNS::Topic, DeletionPolicy: Retain}
  Except: {Type: AWS::SNS::Topic, DeletionPolicy: RetainExceptOnCreate}
  Bad: {Type: AWS::SQS::Queue, DependsOn: [Kept, Except]}`
	for _, retain := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t, cloudformation.Options{})
			defer c.engine.Close()
			c.engine.FailResource(cloudformation.Rule{LogicalID: "Bad"})
			c.create("app", body, func(in *cfn.CreateStackInput) { in.RetainExceptOnCreate = aws.Bool(retain) })
			lines := c.events("app")
			assert.Contains(t, lines, "Except DELETE_COMPLETE")
			want := "Kept DELETE_SKIPPED"
			if retain {
				want = "Kept DELETE_COMPLETE"
			}
			assert.Contains(t, lines, want)
		})
	}
}
