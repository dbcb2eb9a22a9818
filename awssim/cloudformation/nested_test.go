package cloudformation_test

import (
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
	parent = `
Parameters: {V: {Type: String, Default: '1'}}
Resources:
  Before: {Type: AWS::SNS::Topic}
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: https://bucket/child
      Parameters: {Topic: !Ref Before, V: !Ref V}
  After: {Type: Custom::Thing, Properties: {Url: !GetAtt Child.Outputs.Queue, V: !Ref V}}
Outputs: {Url: {Value: !GetAtt Child.Outputs.Queue}}
`
	child = `
Parameters: {Topic: {Type: String}, V: {Type: String}}
Resources:
  Queue: {Type: Custom::Thing, Properties: {Topic: !Ref Topic, V: !Ref V}}
  Extra: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [!Ref V]}}
Outputs: {Queue: {Value: !Ref Queue}}
`
)

func newNested(t *testing.T) *cloud {
	c := newCloud(t, cloudformation.Options{})
	c.host.templates["https://bucket/child"] = child
	return c
}

func TestANestedStackIsAResourceWithOutputs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		s := c.create("app", parent, func(in *cfn.CreateStackInput) { in.Tags = tags("team", "a") })
		require.Equal(t, types.StackStatusCreateComplete, s.StackStatus, c.events("app"))
		id := c.resources("app")["Child"]
		nested := c.describe(id)
		assert.Regexp(t, `:stack/app-Child-[A-Z0-9]{12}/`, id)
		assert.Equal(t, *s.StackId, *nested.ParentId)
		assert.Equal(t, *s.StackId, *nested.RootId)
		assert.Equal(t, "team", *nested.Tags[0].Key)
		assert.Equal(t, outputs(nested)["Queue"], outputs(s)["Url"])
		assert.Contains(t, c.events(id), "Queue CREATE_COMPLETE")
		assert.NotContains(t, c.events("app"), "Queue CREATE_COMPLETE")

		assert.Equal(t, types.StackStatusDeleteComplete, c.remove("app").StackStatus)
		assert.Equal(t, types.StackStatusDeleteComplete, c.describe(id).StackStatus)
	})
}

func TestANestedStackThatFailsFailsItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		c.engine.FailResource(cloudformation.Rule{LogicalID: "Queue", Reason: "no"})
		s := c.create("app", parent)
		assert.Equal(t, types.StackStatusRollbackComplete, s.StackStatus)
		text := strings.Join(c.events("app"), "\n")
		assert.Contains(t, text, "was not successfully created: The following resource(s) failed to create: [Extra, Queue]. ")
		assert.Contains(t, text, "Child DELETE_COMPLETE")
		assert.NotContains(t, text, "After")
	})
}

func TestANestedStackIsUpdatedAndRolledBackWithItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		c.create("app", parent)
		id := c.resources("app")["Child"]
		table := c.resources(id)["Extra"]

		c.engine.FailResource(cloudformation.Rule{LogicalID: "After", Operation: "UPDATE", Times: 1})
		s := c.update("app", parent, versioned("2"))
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus)
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, c.describe(id).StackStatus)
		assert.Equal(t, table, c.resources(id)["Extra"], "the replaced table is restored")
		assert.Contains(t, c.events(id), "Extra DELETE_COMPLETE", "and its replacement is deleted")

		s = c.update("app", parent, versioned("3"))
		assert.Equal(t, types.StackStatusUpdateComplete, s.StackStatus)
		assert.Equal(t, types.StackStatusUpdateComplete, c.describe(id).StackStatus)
		assert.NotEqual(t, table, c.resources(id)["Extra"])

		c.engine.FailResource(cloudformation.Rule{LogicalID: "Queue", Operation: "UPDATE", Times: 1, Reason: "no"})
		s = c.update("app", parent, versioned("4"))
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus)
		assert.Contains(t, strings.Join(c.events("app"), "\n"), "was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: "+
			"The following resource(s) failed to update: [Extra, Queue].")
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, c.describe(id).StackStatus)
		assert.Equal(t, "3", *c.describe(id).Parameters[1].ParameterValue)
	})
}

func TestChangeSetsOfNestedStacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		nested := func(in *cfn.CreateChangeSetInput) { in.IncludeNestedStacks = aws.Bool(true) }
		cs := c.review("app", "first", parent, types.ChangeSetTypeCreate, nested)
		assert.Equal(t, []string{"Add After", "Add Before", "Add Child"}, summary(cs))
		inner, err := c.cfn.DescribeChangeSet(t.Context(), &cfn.DescribeChangeSetInput{ChangeSetName: cs.Changes[2].ResourceChange.ChangeSetId})
		require.NoError(t, err)
		assert.Equal(t, []string{"Add Extra", "Add Queue"}, summary(inner))
		assert.Equal(t, *cs.ChangeSetId, *inner.RootChangeSetId)
		assert.Equal(t, types.StackStatusReviewInProgress, c.describe(*inner.StackId).StackStatus)
		_, err = c.cfn.ExecuteChangeSet(t.Context(), &cfn.ExecuteChangeSetInput{ChangeSetName: inner.ChangeSetId})
		refused(t, err, "ValidationError", "execute its root change set")

		assert.Equal(t, types.StackStatusCreateComplete, c.execute(cs).StackStatus)
		assert.Equal(t, *inner.StackId, c.resources("app")["Child"], "the reviewed stack is the one that is made")

		cs = c.review("app", "same", parent, types.ChangeSetTypeUpdate, nested)
		assert.Equal(t, types.ChangeSetStatusFailed, cs.Status)

		c.host.templates["https://bucket/child"] = strings.Replace(child, "Extra:", "Other:", 1)
		cs = c.review("app", "inside", parent, types.ChangeSetTypeUpdate, nested)
		require.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status)
		assert.Contains(t, summary(cs), "Modify Child False Properties.:Dynamic/Automatic/")
		assert.Equal(t, types.StackStatusUpdateComplete, c.execute(cs).StackStatus)
		assert.Contains(t, c.resources(*inner.StackId), "Other")
		assert.NotContains(t, c.resources(*inner.StackId), "Extra")
	})
}

func TestADeletedChangeSetDeletesItsNestedStacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		cs := c.review("app", "first", parent, types.ChangeSetTypeCreate, func(in *cfn.CreateChangeSetInput) { in.IncludeNestedStacks = aws.Bool(true) })
		_, err := c.cfn.DeleteChangeSet(t.Context(), &cfn.DeleteChangeSetInput{ChangeSetName: cs.ChangeSetId})
		require.NoError(t, err)
		list, err := c.cfn.DescribeStacks(t.Context(), &cfn.DescribeStacksInput{})
		require.NoError(t, err)
		require.Len(t, list.Stacks, 1)
		assert.Equal(t, "app", *list.Stacks[0].StackName)
	})
}

func TestANestedStackNeedsItsTemplate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("app", parent)
		assert.Contains(t, c.events("app"), "Child CREATE_FAILED: S3 error: Access Denied")
		cs := c.review("other", "cs", parent, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, cs.Status)
		assert.Equal(t, "S3 error: Access Denied", *cs.StatusReason)
	})
}

func TestAFailedNestedUpdateWithoutRollbackIsRolledBackLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		c.create("app", parent)
		id := c.resources("app")["Child"]
		table := c.resources(id)["Extra"]
		c.engine.FailResource(cloudformation.Rule{LogicalID: "After", Operation: "UPDATE", Times: 1})
		assert.Equal(t, types.StackStatusUpdateFailed, c.update("app", parent, keeping("2")).StackStatus)
		assert.Equal(t, types.StackStatusUpdateComplete, c.describe(id).StackStatus)
		_, err := c.cfn.RollbackStack(t.Context(), &cfn.RollbackStackInput{StackName: aws.String("app")})
		require.NoError(t, err)
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, c.wait("app").StackStatus)
		assert.Equal(t, table, c.resources(id)["Extra"])
		assert.Equal(t, "1", *c.describe(id).Parameters[1].ParameterValue)
	})
}

const (
	siblings = `
Resources:
  Exporter: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: https://bucket/exporter}}
  Importer: {Type: AWS::CloudFormation::Stack, DependsOn: Exporter, Properties: {TemplateURL: https://bucket/importer}}
`
	exportingSibling = `
Resources: {Queue: {Type: AWS::SQS::Queue}}
Outputs: {Name: {Value: !GetAtt Queue.QueueName, Export: {Name: shared}}}
`
	importingSibling = `
Resources: {Copy: {Type: Custom::Thing, Properties: {Name: !ImportValue shared}}}
Outputs: {Name: {Value: !ImportValue shared}}
`
)

// CloudFormation does not resolve imports of nested stacks before they are deployed: in their change sets
// Fn::ImportValue is a placeholder (cfn-language-discussion#152). A dependency orders the two.
func TestANestedStackImportsWhatAnotherExportsIfItDependsOnIt(t *testing.T) {
	deep := func(in *cfn.CreateChangeSetInput) { in.IncludeNestedStacks = aws.Bool(true) }
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		c.host.templates["https://bucket/exporter"], c.host.templates["https://bucket/importer"] = exportingSibling, importingSibling
		cs := c.review("plain", "first", siblings, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status, cs.StatusReason)

		cs = c.review("app", "first", siblings, types.ChangeSetTypeCreate, deep)
		require.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status, cs.StatusReason)
		require.Equal(t, types.StackStatusCreateComplete, c.execute(cs).StackStatus, c.events("app"))
		made := c.resources("app")
		assert.Equal(t, outputs(c.describe(made["Exporter"]))["Name"], outputs(c.describe(made["Importer"]))["Name"])

		cs = c.review("app", "again", siblings, types.ChangeSetTypeUpdate, deep)
		assert.Equal(t, types.ChangeSetStatusFailed, cs.Status, "nothing changes")
		c.host.templates["https://bucket/exporter"] = strings.Replace(exportingSibling, "Queue:", "Other:", 1)
		c.host.templates["https://bucket/exporter"] = strings.Replace(c.host.templates["https://bucket/exporter"], "Queue.Q", "Other.Q", 1)
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, c.update("app", siblings).StackStatus, "the export is in use")
		assert.Contains(t, strings.Join(c.events(made["Exporter"]), "\n"), "Export shared cannot be updated as it is in use by app-Importer-")
		c.host.templates["https://bucket/exporter"] = exportingSibling
		assert.Equal(t, types.StackStatusDeleteComplete, c.remove("app").StackStatus)
	})
}

func TestANestedStackThatImportsWhatIsNotYetExportedFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newNested(t)
		defer c.engine.Close()
		c.host.templates["https://bucket/exporter"], c.host.templates["https://bucket/importer"] = exportingSibling, importingSibling
		cs := c.review("app", "first", strings.Replace(siblings, "DependsOn: Exporter,", "", 1), types.ChangeSetTypeCreate)
		require.Equal(t, types.ChangeSetStatusCreateComplete, cs.Status, cs.StatusReason)
		assert.Equal(t, types.StackStatusRollbackComplete, c.execute(cs).StackStatus)
		assert.Contains(t, strings.Join(c.events("app"), "\n"), "was not successfully created: No export named shared found.")

		cs = c.review("top", "first", importingSibling, types.ChangeSetTypeCreate)
		assert.Equal(t, types.ChangeSetStatusFailed, cs.Status, "a stack of its own is refused before")
		assert.Equal(t, "No export named shared found.", *cs.StatusReason)
	})
}
