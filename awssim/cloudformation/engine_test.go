package cloudformation_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

func TestFiftyStacksAreDeployedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		body := strings.Replace(shop, "Sub '${AWS::StackName}:topic'", "Ref AWS::StackName", 1)
		for i := range 50 {
			_, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{
				StackName: aws.String(fmt.Sprintf("shop%d", i)), TemplateBody: aws.String(body),
			})
			require.NoError(t, err)
		}
		for i := range 50 {
			assert.Equal(t, types.StackStatusCreateComplete, c.wait(fmt.Sprintf("shop%d", i)).StackStatus)
		}
		out, err := c.cfn.DescribeStacks(t.Context(), &cfn.DescribeStacksInput{})
		require.NoError(t, err)
		assert.Len(t, out.Stacks, 50)
	})
}

func TestStacksAreOfOneAccountAndRegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("shop", shop)
		for _, scope := range []cloudformation.Scope{
			{Account: "222222222222", Region: "eu-west-1", Partition: "aws"}, {Account: "111111111111", Region: "eu-central-1", Partition: "aws"},
		} {
			_, err := client(c.engine, scope).DescribeStacks(t.Context(), &cfn.DescribeStacksInput{StackName: aws.String("shop")})
			refused(t, err, "ValidationError", "Stack with id shop does not exist")
			_, err = client(c.engine, scope).DescribeStacks(t.Context(), &cfn.DescribeStacksInput{StackName: c.describe("shop").StackId})
			refused(t, err, "ValidationError", "does not exist")
		}
	})
}

func TestAnUnknownOperationIsNamed(t *testing.T) {
	c := newCloud(t, cloudformation.Options{})
	_, err := c.cfn.DetectStackDrift(t.Context(), &cfn.DetectStackDriftInput{StackName: aws.String("shop")})
	refused(t, err, "InvalidAction", "DetectStackDrift")
}

func TestTemplatesAreReturnedAndSummarized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		body := "# <comment> & \"quotes\"\r\n\ttab: no\n"
		body = strings.ReplaceAll(shop, "Description: A small shop", "Description: 'A <small> & \"odd\" shop'\n"+"#"+strings.TrimSpace(body[:10]))
		c.create("shop", body)
		got, err := c.cfn.GetTemplate(t.Context(), &cfn.GetTemplateInput{StackName: aws.String("shop")})
		require.NoError(t, err)
		assert.Equal(t, body, *got.TemplateBody)

		summary, err := c.cfn.GetTemplateSummary(t.Context(), &cfn.GetTemplateSummaryInput{StackName: aws.String("shop")})
		require.NoError(t, err)
		assert.Equal(t, "dev", *summary.Parameters[0].DefaultValue)
		assert.Contains(t, summary.ResourceTypes, "AWS::SNS::Topic")
		valid, err := c.cfn.ValidateTemplate(t.Context(), &cfn.ValidateTemplateInput{TemplateBody: aws.String("Resources: {R: {Type: AWS::IAM::Role, Properties: {RoleName: x}}}")})
		require.NoError(t, err)
		assert.Equal(t, []types.Capability{types.CapabilityCapabilityNamedIam}, valid.Capabilities)
		_, err = c.cfn.ValidateTemplate(t.Context(), &cfn.ValidateTemplateInput{TemplateBody: aws.String("x: [")})
		refused(t, err, "ValidationError", "YAML not well-formed")
	})
}

func TestResourcesAreDescribedByStackOrPhysicalID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("shop", shop)
		queue := c.resources("shop")["Queue"]
		out, err := c.cfn.DescribeStackResources(t.Context(), &cfn.DescribeStackResourcesInput{PhysicalResourceId: &queue})
		require.NoError(t, err)
		require.Len(t, out.StackResources, 1)
		assert.Equal(t, "Queue", *out.StackResources[0].LogicalResourceId)
		one, err := c.cfn.DescribeStackResource(t.Context(), &cfn.DescribeStackResourceInput{StackName: aws.String("shop"), LogicalResourceId: aws.String("Queue")})
		require.NoError(t, err)
		assert.Equal(t, queue, *one.StackResourceDetail.PhysicalResourceId)
		_, err = c.cfn.DescribeStackResource(t.Context(), &cfn.DescribeStackResourceInput{StackName: aws.String("shop"), LogicalResourceId: aws.String("No")})
		refused(t, err, "ValidationError", "Resource No does not exist for stack shop")
	})
}

func TestEventsOfAnOperationCanBeAskedForAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", pair)
		c.engine.FailResource(cloudformation.Rule{LogicalID: "A", Operation: "UPDATE", Times: 1})
		s := c.update("app", pair, versioned("2"))
		assert.Equal(t, types.OperationTypeUpdateStack, s.LastOperations[0].OperationType)
		failed, err := c.cfn.DescribeEvents(t.Context(), &cfn.DescribeEventsInput{
			StackName: aws.String("app"), Filters: &types.EventFilter{FailedEvents: aws.Bool(true)},
		})
		require.NoError(t, err)
		require.NotEmpty(t, failed.OperationEvents)
		for _, ev := range failed.OperationEvents {
			assert.True(t, strings.HasSuffix(string(ev.ResourceStatus), "_FAILED"))
			assert.Equal(t, *s.LastOperations[0].OperationId, *ev.OperationId)
		}
	})
}
