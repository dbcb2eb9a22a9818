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
	exporter = `
Resources: {T: {Type: AWS::SNS::Topic, Properties: {DisplayName: a}}}
Outputs:
  Topic: {Value: !Ref T, Export: {Name: topic}}
`
	importer = "Resources: {Q: {Type: Custom::Thing, Properties: {A: !ImportValue topic}}}"
)

func TestAnExportInUseIsNeitherChangedNorRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("a", exporter)
		c.create("b", importer)

		s := c.update("a", strings.Replace(exporter, "!Ref T", "other", 1))
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus)
		assert.Contains(t, strings.Join(c.events("a"), "\n"), "Export topic cannot be updated as it is in use by b")

		s = c.update("a", "Resources: {T: {Type: AWS::SNS::Topic, Properties: {DisplayName: b}}}")
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus)
		assert.Contains(t, strings.Join(c.events("a"), "\n"), "Cannot delete export topic as it is in use by b.")
		assert.Equal(t, "Topic", *s.Outputs[0].OutputKey, "the outputs are as before")

		s = c.remove("a")
		assert.Equal(t, types.StackStatusUpdateRollbackComplete, s.StackStatus, "the deletion is given up")
		assert.Equal(t, "Delete canceled. Cannot delete export topic as it is in use by b.", *s.StackStatusReason)

		c.remove("b")
		assert.Equal(t, types.StackStatusDeleteComplete, c.remove("a").StackStatus)
	})
}

func TestExportsAndTheirUsersAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		a := c.create("a", exporter)
		c.create("b", importer)
		c.create("c", importer)
		exports, err := c.cfn.ListExports(t.Context(), &cfn.ListExportsInput{})
		require.NoError(t, err)
		require.Len(t, exports.Exports, 1)
		assert.Equal(t, *a.StackId, *exports.Exports[0].ExportingStackId)
		assert.Equal(t, outputs(a)["Topic"], *exports.Exports[0].Value)
		imports, err := c.cfn.ListImports(t.Context(), &cfn.ListImportsInput{ExportName: aws.String("topic")})
		require.NoError(t, err)
		assert.Equal(t, []string{"b", "c"}, imports.Imports)
		_, err = c.cfn.ListImports(t.Context(), &cfn.ListImportsInput{ExportName: aws.String("other")})
		refused(t, err, "ValidationError", "Export 'other' is not imported by any stack.")
		assert.Equal(t, "arn", (*c.resourceProperty(t, "b", "Q"))[:3])
	})
}

// resourceProperty is the property A of a resource, as its events report it.
func (c *cloud) resourceProperty(t *testing.T, stack, logical string) *string {
	t.Helper()
	for _, ev := range c.rawEvents(stack) {
		if *ev.LogicalResourceId == logical && ev.ResourceProperties != nil {
			_, value, _ := strings.Cut(*ev.ResourceProperties, `"A":"`)
			return &value
		}
	}
	t.Fatal("no properties")
	return nil
}

func TestExportsAreOfOneScopeAndOneStack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t, cloudformation.Options{})
		defer c.engine.Close()
		c.create("a", exporter)
		s := c.create("twice", exporter)
		assert.Equal(t, types.StackStatusRollbackComplete, s.StackStatus)
		assert.Contains(t, strings.Join(c.events("twice"), "\n"), "Export with name topic is already exported by stack a.")

		elsewhere := *c
		elsewhere.cfn = client(c.engine, cloudformation.Scope{Account: "111111111111", Region: "us-east-1", Partition: "aws"})
		assert.Equal(t, types.StackStatusCreateComplete, elsewhere.create("a", exporter).StackStatus)
		s = c.create("none", "Resources: {Q: {Type: Custom::Thing, Properties: {A: !ImportValue nothing}}}")
		assert.Contains(t, strings.Join(c.events("none"), "\n"), "No export named nothing found. Rollback requested by user.")
		assert.Equal(t, types.StackStatusRollbackComplete, s.StackStatus)
	})
}
