package cloudformation_test

import (
	"errors"
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

const (
	producer = `
Resources: {T: {Type: AWS::SNS::Topic}}
Outputs:
  Value: {Value: one}
  List: {Value: !Join ["||", [a, b, c]]}
`
	consumer = `
Resources:
  Q:
    Type: Custom::Thing
    Properties: {A: {"Fn::GetStackOutput": {StackName: producer, OutputName: Value}}}
Outputs:
  Second: {Value: !Select [1, !Split ["||", {"Fn::GetStackOutput": {StackName: producer, OutputName: List}}]]}
`
)

func TestAConsumerFollowsTheOutputsThatItReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("producer", producer)
		assert.Equal(t, "b", outputs(c.create("consumer", consumer))["Second"])
		assert.Equal(t, `one"}`, *c.resourceProperty(t, "consumer", "Q"))
		assert.Contains(t, *c.review("consumer", "same", consumer, types.ChangeSetTypeUpdate).StatusReason, "didn't contain changes")

		c.update("producer", strings.Replace(producer, "one", "two", 1))
		set := c.review("consumer", "follow", consumer, types.ChangeSetTypeUpdate)
		require.Equal(t, types.ChangeSetStatusCreateComplete, set.Status, "the template is the same, but not the output that it reads")
		assert.Equal(t, "Q", *set.Changes[0].ResourceChange.LogicalResourceId)
		assert.Equal(t, "two", *set.Changes[0].ResourceChange.Details[0].Target.AfterValue)
		assert.Equal(t, types.StackStatusUpdateComplete, c.execute(set).StackStatus)
		assert.Equal(t, types.ChangeSetStatusFailed, c.review("consumer", "again", consumer, types.ChangeSetTypeUpdate).Status)
		assert.Equal(t, types.StackStatusDeleteComplete, c.remove("producer").StackStatus, "the reference is weak")
	})
}

func TestOutputsAreReadInOtherRegionsAndThroughRolesInOtherAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		far := *c
		far.cfn = client(c.engine, cloudformation.Scope{Account: "222222222222", Region: "us-east-1", Partition: "aws"})
		far.create("producer", producer)
		reads := func(more string) string {
			return `{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}},"Outputs":{"O":{"Value":{"Fn::GetStackOutput":{"StackName":"producer","OutputName":"Value"` + more + `}}}}}`
		}
		role := `,"Region":"us-east-1","RoleArn":"arn:aws:iam::222222222222:role/reader"`
		assert.Equal(t, "one", outputs(c.create("a", reads(role)))["O"])
		c.host.roles["arn:aws:iam::222222222222:role/reader"] = errors.New("User: me is not authorized to perform: sts:AssumeRole")
		for name, try := range map[string]struct{ more, reason string }{
			"refused":   {role, "not authorized to perform: sts:AssumeRole"},
			"elsewhere": {`,"Region":"us-east-1"`, "Stack with id producer does not exist"},
			"norole":    {`,"RoleArn":"reader"`, "is not the ARN of a role"},
		} {
			assert.Equal(t, types.StackStatusRollbackComplete, c.create(name, reads(try.more)).StackStatus, name)
			assert.Contains(t, strings.Join(c.events(name), "\n"), try.reason)
		}
	})
}

func TestMissingOutputsAreRefusedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("producer", producer)
		set := c.review("new", "first", strings.Replace(consumer, "OutputName: Value", "OutputName: Nope", 1), types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, set.Status)
		assert.Contains(t, *set.StatusReason, "output Nope not found in stack producer")
		for body, reason := range map[string]string{
			strings.Replace(consumer, "OutputName: Value", "Name: Value", 1):                                            "requires the parameters StackName and OutputName",
			strings.Replace(consumer, "OutputName: Value", "OutputName: Value, Key: x", 1):                              "does not support the parameter Key",
			"Conditions: {C: !Equals [a, {'Fn::GetStackOutput': {StackName: producer, OutputName: Value}}]}" + consumer: "cannot be used in Conditions",
		} {
			_, err := c.cfn.CreateStack(t.Context(), &cfn.CreateStackInput{StackName: aws.String("wrong"), TemplateBody: &body})
			refused(t, err, "ValidationError", reason)
		}
	})
}
