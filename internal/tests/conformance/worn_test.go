package conformance_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	simcloudformation "github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/internal/bucket"
)

const artifacts = "artifacts-of-the-shop"

// newWornScene is a deployment of stacks that are in all the states that a
// deployment has to do something about.
func newWornScene(t *testing.T) *scene {
	topic := document{"Topic": resource("SNS::Topic", document{"DisplayName": "new"})}
	more := with(topic, document{"Queue": resource("SQS::Queue", document{}, "Topic")})
	return newScene(t, (*cloud).wear,
		made{name: "Fresh", resources: more, published: true, file: "a file that is no empty archive", folder: []string{"one", "two"}, image: true},
		made{name: "Kept", resources: topic, protected: true}, made{name: "Same", resources: topic},
		made{name: "Left", resources: more}, made{name: "Failed", resources: more}, made{name: "Half", resources: more}, made{name: "Stuck", resources: more},
	)
}

// wear puts the stacks of a cloud into their states.
func (c *cloud) wear() {
	c.t.Helper()
	before := `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"DisplayName":"old"}}}}`
	change := `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"DisplayName":"odd"}},"Queue":{"Type":"AWS::SQS::Queue","DependsOn":["Topic"]}}}`
	same := `{"Resources":{"Topic":{"Type":"AWS::SNS::Topic","Properties":{"DisplayName":"new"}}},"Outputs":{"Stack":{"Value":{"Ref":"AWS::StackId"}}}}`
	for name, template := range map[string]string{"Kept": same, "Same": same, "Left": before, "Half": before, "Stuck": before} {
		c.creates(name, template, "CREATE_COMPLETE")
	}
	for _, rule := range []simcloudformation.Rule{
		{Stack: "Failed"},
		{Stack: "Half", LogicalID: "Queue"},
		{Stack: "Stuck", LogicalID: "Queue"},
		{Stack: "Stuck", LogicalID: "Topic", Times: 1, OnlySlow: true},
		{Stack: "Stuck", LogicalID: "Topic"}, // its rollback fails
	} {
		c.Stacks().FailResource(rule)
	}
	c.creates("Failed", before, "ROLLBACK_COMPLETE")
	c.updates("Half", change, true, "UPDATE_FAILED")
	c.updates("Stuck", change, false, "UPDATE_ROLLBACK_FAILED")
	api := cloudformation.NewFromConfig(c.as(dev, ireland))
	_, err := api.CreateChangeSet(c.t.Context(), &cloudformation.CreateChangeSetInput{
		StackName: aws.String("Left"), ChangeSetName: aws.String("aphex-deploy"), TemplateBody: &change, ChangeSetType: types.ChangeSetTypeUpdate,
	})
	require.NoError(c.t, err)
}

func (c *cloud) creates(name, template, status string) {
	c.t.Helper()
	_, err := cloudformation.NewFromConfig(c.as(dev, ireland)).CreateStack(c.t.Context(), &cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template})
	require.NoError(c.t, err)
	c.becomes(name, status)
}

func (c *cloud) updates(name, template string, stay bool, status string) {
	c.t.Helper()
	_, err := cloudformation.NewFromConfig(c.as(dev, ireland)).UpdateStack(c.t.Context(), &cloudformation.UpdateStackInput{
		StackName: &name, TemplateBody: &template, DisableRollback: &stay,
	})
	require.NoError(c.t, err)
	c.becomes(name, status)
}

// becomes waits until a stack of dev in Ireland has a status.
func (c *cloud) becomes(name, status string) {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return c.statusOf(name) == status }, patience, 20*time.Millisecond, "%s never was %s", name, status)
}

// newLargeScene is a deployment with an asset that is sent in parts.
func newLargeScene(t *testing.T) *scene {
	topic := document{"Topic": resource("SNS::Topic", document{})}
	return newScene(t, func(*cloud) {}, made{name: "Large", resources: topic, file: strings.Repeat("0123456789abcdef", 17<<20/16)})
}

// upload stores an app as an artifact, as the build does.
func (c *cloud) upload(app string) (key, digest string) {
	c.t.Helper()
	ctx, client := c.t.Context(), s3.NewFromConfig(c.as(dev, ireland), func(o *s3.Options) { o.UsePathStyle = true })
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String(artifacts), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: ireland},
	})
	require.NoError(c.t, err)
	packed, err := bucket.Pack(ctx, app, func(string) bool { return false })
	require.NoError(c.t, err)
	defer packed.Remove()
	stored, err := bucket.OpenS3(client, artifacts).Save(ctx, packed, bucket.Metadata{Commit: commit})
	require.NoError(c.t, err)
	return stored.Key, stored.Digest
}

// pretend gives the cloud a docker that accepts every command: what it is
// asked for is counted.
func (c *cloud) pretend() {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), "docker")
	writeFile(c.t, file, "#!/bin/sh\n[ \"$1\" != version ] || exit 0\necho \"$1\" >> "+file+".calls\n[ \"$1\" != login ] || cat > /dev/null\n[ \"$1\" != inspect ]\n")
	require.NoError(c.t, os.Chmod(file, 0o755))
	c.environ = append(c.environ, "CDK_DOCKER="+file)
}

// pretended is what that docker was asked for.
func (c *cloud) pretended() string {
	for _, entry := range c.environ {
		if file, found := strings.CutPrefix(entry, "CDK_DOCKER="); found {
			text, _ := os.ReadFile(file + ".calls") // nothing, if there is no image
			return string(text)
		}
	}
	return ""
}
