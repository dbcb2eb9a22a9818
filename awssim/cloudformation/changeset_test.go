package cloudformation_test

import (
	"fmt"
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

// review creates a change set and waits until it is settled.
func (c *cloud) review(stack, name, body string, typ types.ChangeSetType, more ...func(*cfn.CreateChangeSetInput)) *cfn.DescribeChangeSetOutput {
	c.t.Helper()
	in := &cfn.CreateChangeSetInput{
		StackName: &stack, ChangeSetName: &name, TemplateBody: &body, ChangeSetType: typ, Capabilities: allCapabilities,
	}
	for _, set := range more {
		set(in)
	}
	out, err := c.cfn.CreateChangeSet(c.t.Context(), in)
	require.NoError(c.t, err)
	for range 1000 {
		cs, err := c.cfn.DescribeChangeSet(c.t.Context(), &cfn.DescribeChangeSetInput{
			StackName: out.StackId, ChangeSetName: out.Id, IncludePropertyValues: aws.Bool(true),
		})
		require.NoError(c.t, err)
		if cs.Status != types.ChangeSetStatusCreatePending && cs.Status != types.ChangeSetStatusCreateInProgress {
			return cs
		}
		time.Sleep(time.Millisecond)
	}
	c.t.Fatal("the change set is not settled")
	return nil
}

func (c *cloud) execute(cs *cfn.DescribeChangeSetOutput, more ...func(*cfn.ExecuteChangeSetInput)) *types.Stack {
	c.t.Helper()
	in := &cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId, StackName: cs.StackId}
	for _, set := range more {
		set(in)
	}
	_, err := c.cfn.ExecuteChangeSet(c.t.Context(), in)
	require.NoError(c.t, err)
	return c.wait(*cs.StackId)
}

// summary writes changes as "Action Logical replacement policy [details]".
func summary(cs *cfn.DescribeChangeSetOutput) []string {
	var lines []string
	for _, change := range cs.Changes {
		r := change.ResourceChange
		line := fmt.Sprintf("%s %s", r.Action, *r.LogicalResourceId)
		if r.Replacement != "" {
			line += " " + string(r.Replacement)
		}
		if r.PolicyAction != "" {
			line += " " + string(r.PolicyAction)
		}
		for _, d := range r.Details {
			line += fmt.Sprintf(" %s.%s:%s/%s/%s", d.Target.Attribute, aws.ToString(d.Target.Name), d.Evaluation, d.ChangeSource, aws.ToString(d.CausingEntity))
		}
		lines = append(lines, line)
	}
	return lines
}

func TestAChangeSetOfANewStackCreatesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		cs := c.review("shop", "first", shop, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status)
		assert.Equal(t, types.ExecutionStatusAvailable, cs.ExecutionStatus)
		assert.Equal(t, []string{"Add Queue", "Add Table", "Add Topic"}, summary(cs))
		assert.Equal(t, types.StackStatusReviewInProgress, c.describe("shop").StackStatus)
		assert.Equal(t, []string{"shop REVIEW_IN_PROGRESS: User Initiated"}, c.events("shop"))
		body, err := c.cfn.GetTemplate(t.Context(), &cfn.GetTemplateInput{StackName: aws.String("shop")})
		require.NoError(t, err)
		assert.Empty(t, aws.ToString(body.TemplateBody))

		s := c.execute(cs)
		assert.Equal(t, types.StackStatusCreateComplete, s.StackStatus)
		assert.Equal(t, *cs.ChangeSetId, *s.ChangeSetId)
		after, err := c.cfn.DescribeChangeSet(t.Context(), &cfn.DescribeChangeSetInput{ChangeSetName: cs.ChangeSetId})
		require.NoError(t, err)
		assert.Equal(t, types.ExecutionStatusExecuteComplete, after.ExecutionStatus)
		_, err = c.cfn.ExecuteChangeSet(t.Context(), &cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId})
		refused(t, err, "InvalidChangeSetStatus", "EXECUTE_COMPLETE")
	})
}

func TestAChangeSetWithoutChangesFailsWithAWSsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("shop", shop)
		cs := c.review("shop", "same", shop, types.ChangeSetTypeUpdate)
		assert.Equal(t, types.ChangeSetStatusFailed, cs.Status)
		assert.Equal(t, "The submitted information didn't contain changes. Submit different information to create a change set.", *cs.StatusReason)
		assert.Equal(t, types.ExecutionStatusUnavailable, cs.ExecutionStatus)

		cs = c.review("shop", "reworded", shop+"\n# a comment\n", types.ChangeSetTypeUpdate)
		assert.Equal(t, "No updates are to be performed.", *cs.StatusReason)
		_, err := c.cfn.ExecuteChangeSet(t.Context(), &cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId})
		refused(t, err, "InvalidChangeSetStatus", "cannot be executed in its current status of [FAILED]")

		_, err = c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{StackName: aws.String("shop"), UsePreviousTemplate: aws.Bool(true)})
		refused(t, err, "ValidationError", "No updates are to be performed.")
	})
}

const before = `
Parameters:
  Name: {Type: String, Default: one}
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub 'b-${Name}'}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [a]}, UpdateReplacePolicy: Retain}
  Fn:
    Type: Custom::Thing
    Properties: {A: !GetAtt Table.Arn, B: plain, C: !Ref Bucket}
  Fixed: {Type: AWS::SNS::Topic, Metadata: {x: 1}}
  Old: {Type: AWS::SNS::Topic, DeletionPolicy: Retain}
`

const after = `
Parameters:
  Name: {Type: String, Default: one}
Resources:
  Bucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub 'b-${Name}'}}
  Table: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [b]}, UpdateReplacePolicy: Retain}
  Fn:
    Type: Custom::Thing
    Properties: {A: !GetAtt Table.Arn, B: changed, C: !Ref Bucket}
  Fixed: {Type: AWS::SNS::Topic, Metadata: {x: 2}}
  New: {Type: AWS::SNS::Topic}
`

func TestAChangeSetDescribesChangesAndTheirCauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{PageSize: 2})
		defer c.engine.Close()
		c.create("app", before)
		cs := c.review("app", "next", after, types.ChangeSetTypeUpdate, func(in *cfn.CreateChangeSetInput) {
			in.Parameters = parameters("Name", "two")
		})
		require.NotNil(t, cs.NextToken, "pages of two")
		for token := cs.NextToken; token != nil; {
			page, err := c.cfn.DescribeChangeSet(t.Context(), &cfn.DescribeChangeSetInput{
				ChangeSetName: cs.ChangeSetId, NextToken: token, IncludePropertyValues: aws.Bool(true),
			})
			require.NoError(t, err)
			cs.Changes, token = append(cs.Changes, page.Changes...), page.NextToken
		}
		assert.Equal(t, []string{
			"Modify Bucket True ReplaceAndDelete Properties.BucketName:Static/ParameterReference/Name",
			"Modify Fixed False Metadata.:Static/DirectModification/",
			"Modify Fn False Properties.A:Dynamic/ResourceAttribute/Table.Arn Properties.B:Static/DirectModification/" +
				" Properties.C:Dynamic/ResourceReference/Bucket",
			"Add New",
			"Remove Old Retain",
			"Modify Table True ReplaceAndRetain Properties.KeySchema:Static/DirectModification/",
		}, summary(cs))
		fn := cs.Changes[2].ResourceChange
		assert.Contains(t, *fn.AfterContext, "{{changeSet:KNOWN_AFTER_APPLY}}")
		assert.Equal(t, "plain", *fn.Details[1].Target.BeforeValue)
		assert.Equal(t, "changed", *fn.Details[1].Target.AfterValue)
	})
}

func TestExecutingAChangeSetDoesWhatItDescribes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", before)
		had := c.resources("app")
		cs := c.review("app", "next", after, types.ChangeSetTypeUpdate, func(in *cfn.CreateChangeSetInput) {
			in.Parameters = parameters("Name", "two")
		})
		s := c.execute(cs)
		assert.Equal(t, types.StackStatusUpdateComplete, s.StackStatus)
		has := c.resources("app")
		assert.Equal(t, "b-two", has["Bucket"])
		assert.NotEqual(t, had["Table"], has["Table"])
		assert.Equal(t, had["Fn"], has["Fn"])
		assert.NotContains(t, has, "Old")
		lines := strings.Join(c.events("app"), "\n")
		assert.Contains(t, lines, "Bucket UPDATE_IN_PROGRESS: Requested update requires the creation of a new physical resource; hence creating one.")
		assert.Contains(t, lines, "Bucket UPDATE_IN_PROGRESS: Resource creation Initiated")
		assert.Contains(t, lines, "app UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
		assert.Contains(t, lines, "Bucket DELETE_COMPLETE")
		assert.Contains(t, lines, "Table DELETE_SKIPPED")
		assert.Contains(t, lines, "Old DELETE_SKIPPED")
		assert.NotContains(t, lines, "Fixed UPDATE", "a change of metadata touches nothing")
		assert.True(t, strings.HasSuffix(lines, "app UPDATE_COMPLETE"))
	})
}

func TestChangeSetsAreNamedOnceAndRepeatedByToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		create := func(token string) (*cfn.CreateChangeSetOutput, error) {
			return c.cfn.CreateChangeSet(t.Context(), &cfn.CreateChangeSetInput{
				StackName: aws.String("shop"), ChangeSetName: aws.String("cs"), TemplateBody: aws.String(shop),
				ChangeSetType: types.ChangeSetTypeCreate, ClientToken: &token,
			})
		}
		first, err := create("a")
		require.NoError(t, err)
		again, err := create("a")
		require.NoError(t, err)
		assert.Equal(t, *first.Id, *again.Id)
		_, err = create("b")
		refused(t, err, "AlreadyExistsException", "cannot be created due to a mismatch with existing attribute ClientToken")

		_, err = c.cfn.DeleteChangeSet(t.Context(), &cfn.DeleteChangeSetInput{ChangeSetName: first.Id})
		refused(t, err, "InvalidChangeSetStatus", "An operation on this ChangeSet is currently in progress.")
		time.Sleep(time.Second)
		for range 2 { // deleting what is gone is no error
			_, err = c.cfn.DeleteChangeSet(t.Context(), &cfn.DeleteChangeSetInput{ChangeSetName: aws.String("cs"), StackName: aws.String("shop")})
			require.NoError(t, err)
		}
		_, err = c.cfn.DescribeChangeSet(t.Context(), &cfn.DescribeChangeSetInput{ChangeSetName: first.Id})
		refused(t, err, "ChangeSetNotFound", "does not exist")
		assert.Equal(t, types.StackStatusReviewInProgress, c.describe("shop").StackStatus)
		assert.Equal(t, types.StackStatusDeleteComplete, c.remove("shop").StackStatus)
	})
}

func TestChangeSetsMustFitTheStateOfTheirStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		try := func(stack string, typ types.ChangeSetType) error {
			_, err := c.cfn.CreateChangeSet(t.Context(), &cfn.CreateChangeSetInput{
				StackName: &stack, ChangeSetName: aws.String("cs"), TemplateBody: aws.String(shop), ChangeSetType: typ,
			})
			return err
		}
		refused(t, try("shop", types.ChangeSetTypeUpdate), "ValidationError", "Stack [shop] does not exist")
		refused(t, try("shop", types.ChangeSetTypeImport), "ValidationError", "does not support change sets of type IMPORT (cdk import): import resources with a custom name into stack shop with cdk deploy --import-existing-resources")
		c.create("shop", shop)
		refused(t, try("shop", types.ChangeSetTypeCreate), "ValidationError", "Stack [shop] already exists and cannot be created again with the changeSet [cs].")
		_, err := c.cfn.UpdateStack(t.Context(), &cfn.UpdateStackInput{StackName: aws.String("shop"), TemplateBody: aws.String(shop), Tags: tags("a", "b")})
		require.NoError(t, err)
		refused(t, try("shop", types.ChangeSetTypeUpdate), "ValidationError", "is in UPDATE_IN_PROGRESS state and can not be updated.")
		c.wait("shop")
	})
}

func TestADirectUpdateMakesOpenChangeSetsObsolete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", before)
		cs := c.review("app", "next", after, types.ChangeSetTypeUpdate)
		c.update("app", before, func(in *cfn.UpdateStackInput) { in.Tags = tags("a", "b") })
		_, err := c.cfn.ExecuteChangeSet(t.Context(), &cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId})
		refused(t, err, "InvalidChangeSetStatus", "OBSOLETE")
		list, err := c.cfn.ListChangeSets(t.Context(), &cfn.ListChangeSetsInput{StackName: aws.String("app")})
		require.NoError(t, err)
		assert.Equal(t, "next", *list.Summaries[0].ChangeSetName)
	})
}

func TestAChangeSetThatCannotBeComputedFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		cs := c.review("app", "cs", "Resources: {A: {Type: AWS::SNS::Topic, Properties: {DisplayName: !ImportValue absent}}}", types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, cs.Status)
		assert.Equal(t, "No export named absent found.", *cs.StatusReason)

		c.create("typed", "Resources: {A: {Type: AWS::SNS::Topic}}")
		cs = c.review("typed", "cs", "Resources: {A: {Type: AWS::SQS::Queue}}", types.ChangeSetTypeUpdate)
		assert.Contains(t, *cs.StatusReason, "Update of resource type is not permitted.")
	})
}

func TestAChangeSetThatReadsTheParameterStoreFailsWhenItCannot(t *testing.T) {
	const body = "Resources: {A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub '{{resolve:ssm:/${AWS::Region}/name}}'}}}"
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		cs := c.review("app", "absent", body, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, cs.Status)
		assert.Equal(t, "Parameters: [ssm:/eu-west-1/name] cannot be found.", *cs.StatusReason)
		c.host.parameters["/eu-west-1/name"] = "q"
		assert.Equal(t, types.ChangeSetStatusCreateComplete, c.review("app", "there", body, types.ChangeSetTypeCreate).Status)

		name, set := "typed", "set"
		typed := "Parameters: {P: {Type: AWS::SSM::Parameter::Value<String>, Default: /none}}\nResources: {A: {Type: AWS::SQS::Queue}}"
		_, err := c.cfn.CreateChangeSet(t.Context(), &cfn.CreateChangeSetInput{
			StackName: &name, ChangeSetName: &set, TemplateBody: &typed, ChangeSetType: types.ChangeSetTypeCreate,
		})
		refused(t, err, "ValidationError", "Unable to fetch parameters [/none] from parameter store for this account.")
	})
}
