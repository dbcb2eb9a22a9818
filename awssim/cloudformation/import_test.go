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

func importing(in *cfn.CreateChangeSetInput) { in.ImportExistingResources = aws.Bool(true) }

const orders = `
Parameters: {Prefix: {Type: String, Default: ord}}
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties: {TableName: !Sub '${Prefix}ers', KeySchema: [id]}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Orders}}
Outputs: {Stream: {Value: !GetAtt Orders.Arn}}
`

// leftBehind deploys a template and deletes its stack again.
func (c *cloud) leftBehind(body string) {
	c.t.Helper()
	require.Equal(c.t, types.StackStatusCreateComplete, c.create("past", body).StackStatus, c.events("past"))
	require.Equal(c.t, types.StackStatusDeleteComplete, c.remove("past").StackStatus)
}

// of are the lines about one resource.
func of(lines []string, id string) []string {
	var found []string
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, id+" "); ok {
			found = append(found, rest)
		}
	}
	return found
}

func TestARetainedResourceKeepsItsNameUntilAChangeSetImportsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer func() { c.engine.Close() }()
		c.leftBehind(orders)
		c.restart(cloudformation.Options{})

		require.Equal(t, types.StackStatusRollbackComplete, c.create("again", orders).StackStatus)
		assert.Contains(t, strings.Join(c.events("again"), "\n"),
			"Resource of type 'AWS::DynamoDB::Table' with identifier 'orders' already exists.")
		plain := c.review("plain", "first", orders, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, plain.Status)
		assert.Contains(t, *plain.StatusReason, "AWS::EarlyValidation::ResourceExistenceCheck")
		assert.False(t, *plain.ImportExistingResources)

		cs := c.review("new", "first", orders, types.ChangeSetTypeCreate, importing)
		require.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status, aws.ToString(cs.StatusReason))
		assert.Equal(t, []string{"Import Orders", "Add Queue"}, summary(cs))
		assert.Equal(t, "orders", *cs.Changes[0].ResourceChange.PhysicalResourceId)
		assert.True(t, *cs.ImportExistingResources)
		s := c.execute(cs)
		assert.Equal(t, types.StackStatusCreateComplete, s.StackStatus)
		assert.Contains(t, outputs(s)["Stream"], ":table/orders")
		lines := c.events("new")
		assert.Equal(t, []string{
			"IMPORT_IN_PROGRESS: Resource import started.",
			"IMPORT_IN_PROGRESS",
			"IMPORT_COMPLETE: Resource import completed.",
			"UPDATE_IN_PROGRESS: Apply stack-level tags to imported resource if applicable.",
			"UPDATE_COMPLETE",
		}, of(lines, "Orders"))
		assert.Less(t, position(t, lines, "Orders UPDATE_COMPLETE"), position(t, lines, "Queue CREATE_IN_PROGRESS"))
		assert.Equal(t, map[string]string{"Orders": "orders", "Queue": "https://sqs.eu-west-1.amazonaws.com/111111111111/orders"}, c.resources("new"))

		other := c.review("other", "first", orders, types.ChangeSetTypeCreate, importing)
		assert.Equal(t, "orders already exists in stack "+*s.StackId, aws.ToString(other.StatusReason), "it is another stack's")
		c.remove("new")
		cs = c.review("third", "first", orders, types.ChangeSetTypeCreate, importing)
		assert.Equal(t, []string{"Import Orders", "Add Queue"}, summary(cs), "it was left behind again")
	})
}

func TestWhatCannotBeImportedIsRefusedByName(t *testing.T) {
	const exists = "AWS::EarlyValidation::ResourceExistenceCheck"
	for name, test := range map[string]struct{ before, body, reason string }{
		"no deletion policy": {
			"",
			"Resources:\n  A: {Type: AWS::DynamoDB::Table, Properties: {TableName: orders, KeySchema: [id]}}\n",
			"CloudFormation is attempting to import some resources because they already exist in your account. " +
				"The resources must have the DeletionPolicy attribute set to 'Retain' or 'RetainExceptOnCreate' in the template " +
				"for successful import. The affected resources are A ({TableName=orders})",
		},
		"a policy that takes a snapshot": {
			"",
			"Resources:\n  A: {Type: AWS::DynamoDB::Table, DeletionPolicy: Snapshot, Properties: {TableName: orders, KeySchema: [id]}}\n",
			"The affected resources are A ({TableName=orders})",
		},
		"a name that is another resource's": {
			"Resources:\n  Key: {Type: AWS::SSM::Parameter, Properties: {Name: orders, Type: String, Value: v}}\n",
			"Resources:\n  Key: {Type: AWS::SSM::Parameter, Properties: {Name: orders, Type: String, Value: v}}\n" +
				"  A: {Type: AWS::DynamoDB::Table, DeletionPolicy: Retain, Properties: {TableName: !Ref Key, KeySchema: [id]}}\n",
			exists,
		},
		"an identifier that AWS makes": {
			"",
			"Resources:\n  A: {Type: AWS::SNS::Topic, DeletionPolicy: Retain, Properties: {TopicName: news}}\n", exists,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, cloudformation.Options{})
				defer c.engine.Close()
				c.leftBehind(orders)
				c.leftBehind("Resources:\n  News: {Type: AWS::SNS::Topic, DeletionPolicy: Retain, Properties: {TopicName: news}}\n")
				typ := types.ChangeSetTypeCreate
				if test.before != "" {
					typ = types.ChangeSetTypeUpdate
					c.create("new", test.before)
				}
				cs := c.review("new", "first", test.body, typ, importing)
				assert.Equal(t, types.ChangeSetStatusFailed, cs.Status)
				assert.Contains(t, aws.ToString(cs.StatusReason), test.reason)
			})
		})
	}
}

func TestARollbackRetainsImportedResources(t *testing.T) {
	const body = `
Resources:
  Orders: {Type: AWS::DynamoDB::Table, DeletionPolicy: RetainExceptOnCreate, Properties: {TableName: orders, KeySchema: [id]}}
  Bad: {Type: AWS::SQS::Queue, DependsOn: Orders}
`
	for name, rule := range map[string]cloudformation.Rule{
		"after another failure":   {LogicalID: "Bad"},
		"after a failed import":   {LogicalID: "Orders", Operation: "IMPORT"},
		"after the update failed": {LogicalID: "Orders", Operation: "UPDATE"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCloud(t, cloudformation.Options{})
				defer c.engine.Close()
				c.leftBehind(orders)
				c.engine.FailResource(rule)
				s := c.execute(c.review("new", "first", body, types.ChangeSetTypeCreate, importing),
					func(in *cfn.ExecuteChangeSetInput) { in.RetainExceptOnCreate = aws.Bool(true) })
				require.Equal(t, types.StackStatusRollbackComplete, s.StackStatus)
				assert.NotContains(t, strings.Join(c.events("new"), "\n"), "Orders DELETE_IN_PROGRESS")
				c.engine.ClearFaults()
				c.remove("new")
				c.create("new", "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n")
				c.engine.FailResource(cloudformation.Rule{LogicalID: "Bad"})
				cs := c.review("new", "second", body, types.ChangeSetTypeUpdate, importing)
				assert.Equal(t, []string{"Add Bad", "Import Orders", "Remove Topic Delete"}, summary(cs))
				require.Equal(t, types.StackStatusUpdateRollbackComplete, c.execute(cs).StackStatus)
				assert.Equal(t, []string{"Add Bad", "Import Orders", "Remove Topic Delete"},
					summary(c.review("new", "third", body, types.ChangeSetTypeUpdate, importing)), "it exists, without a stack")
			})
		})
	}
}

func TestAnImportContinuesAfterARestart(t *testing.T) {
	for pause := 100 * time.Millisecond; pause < 30*time.Second; pause += 1700 * time.Millisecond {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t, cloudformation.Options{})
			defer func() { c.engine.Close() }()
			c.leftBehind(orders)
			c.restart(slow())
			cs := c.review("new", "first", orders, types.ChangeSetTypeCreate, importing)
			_, err := c.cfn.ExecuteChangeSet(t.Context(), &cfn.ExecuteChangeSetInput{ChangeSetName: cs.ChangeSetId})
			require.NoError(t, err)
			time.Sleep(pause)
			c.restart(slow())
			require.Equal(t, types.StackStatusCreateComplete, c.wait("new").StackStatus, c.events("new"))
			assert.Equal(t, "orders", c.resources("new")["Orders"])
			assert.Len(t, of(c.events("new"), "Orders"), 5, c.events("new"))
		})
	}
}

func TestAResourceWithAHandlerIsImportedAndUpdated(t *testing.T) {
	const body = "Resources:\n  Setting: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: size, Type: String, Value: large}}\n"
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.host.handlers["AWS::SSM::Parameter"] = true
		c.host.alive["made-by-hand"] = cloudformation.ResourceRequest{Type: "AWS::SSM::Parameter", Properties: map[string]any{"Name": "size"}}

		cs := c.review("app", "plain", body, types.ChangeSetTypeCreate)
		assert.Contains(t, *cs.StatusReason, "AWS::EarlyValidation::ResourceExistenceCheck", "resources created outside CloudFormation count too")
		cs = c.review("app", "first", body, types.ChangeSetTypeCreate, importing)
		require.Equal(t, []string{"Import Setting"}, summary(cs))
		c.execute(cs)
		assert.Equal(t, []string{"update Setting"}, c.host.log)
		assert.Equal(t, "made-by-hand", c.resources("app")["Setting"])

		c.remove("app")
		delete(c.host.alive, "made-by-hand")
		cs = c.review("app", "first", body, types.ChangeSetTypeCreate, importing)
		assert.Equal(t, []string{"Add Setting"}, summary(cs), "its service says that it is gone")
	})
}

func TestAnImportOfADeletedResourceFails(t *testing.T) {
	const body = "Resources:\n  Setting: {Type: AWS::SSM::Parameter, DeletionPolicy: Retain, Properties: {Name: size, Type: String, Value: large}}\n"
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.host.handlers["AWS::SSM::Parameter"] = true
		c.host.alive["made-by-hand"] = cloudformation.ResourceRequest{Type: "AWS::SSM::Parameter", Properties: map[string]any{"Name": "size"}}
		cs := c.review("app", "first", body, types.ChangeSetTypeCreate, importing)
		delete(c.host.alive, "made-by-hand")
		assert.Equal(t, types.StackStatusRollbackComplete, c.execute(cs).StackStatus)
		assert.Contains(t, strings.Join(c.events("app"), "\n"), "Setting IMPORT_FAILED: Resource handler returned message: "+
			`"Resource of type 'AWS::SSM::Parameter' with identifier 'size' was not found."`)
		assert.Contains(t, strings.Join(c.events("app"), "\n"), "The following resource(s) failed to import: [Setting].")
	})
}

func TestNestedStacksImportWhenTheirChangeSetsAreMadeToo(t *testing.T) {
	const root = `
Resources:
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: https://bucket/child}}
`
	for _, deep := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t, cloudformation.Options{})
			defer c.engine.Close()
			c.host.templates["https://bucket/child"] = orders
			c.leftBehind(orders)
			cs := c.review("app", "first", root, types.ChangeSetTypeCreate, importing, func(in *cfn.CreateChangeSetInput) { in.IncludeNestedStacks = &deep })
			require.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status, aws.ToString(cs.StatusReason))
			if !deep { // the nested stack is not read before it is created
				assert.Equal(t, types.StackStatusRollbackComplete, c.execute(cs).StackStatus)
				assert.Contains(t, strings.Join(c.events("app"), "\n"), "Child CREATE_FAILED")
				return
			}
			require.Equal(t, types.StackStatusCreateComplete, c.execute(cs).StackStatus, c.events("app"))
			assert.Equal(t, "orders", c.resources(c.resources("app")["Child"])["Orders"])
		})
	}
}
