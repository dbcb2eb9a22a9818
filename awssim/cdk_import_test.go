package awssim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// assembly writes the assembly of an app with one stack, App, with a bucket
// that has a name and a topic that has none.
func assembly(t *testing.T, bucket, policy string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, document any) {
		text, err := json.Marshal(document)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	type object = map[string]any
	write("manifest.json", object{"version": "48.0.0", "artifacts": object{"App": object{
		"type": "aws:cloudformation:stack", "environment": "aws://" + devAccount + "/" + ireland,
		"properties": object{"templateFile": "App.template.json"},
		"metadata":   object{"/App/Shelf/Resource": []object{{"type": "aws:cdk:logicalId", "data": "Shelf01234567"}}},
	}}})
	write("App.template.json", object{"Resources": object{
		"Shelf01234567": object{"Type": "AWS::S3::Bucket", "DeletionPolicy": policy, "Properties": object{
			"BucketName": bucket, "VersioningConfiguration": object{"Status": "Enabled"},
		}},
		"Topic": object{"Type": "AWS::SNS::Topic"},
	}})
	return dir
}

func TestTheCDKImportsWhatExists(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.bucket(devAccount, ireland, "shelf").put("book", "kept")
	run := func(dir string, args ...string) (string, error) {
		return c.cdk(dir, devAccount, ireland, append(args, "--app", dir, "--import-existing-resources")...)
	}

	retained := assembly(t, "shelf", "Retain")
	printed, err := run(retained, "diff")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "[←] AWS::S3::Bucket Shelf Shelf01234567 import")
	assert.Contains(t, printed, "[+] AWS::SNS::Topic Topic")

	printed, err = run(assembly(t, "shelf", "Delete"), "deploy", "--require-approval", "never")
	require.Error(t, err, printed)
	flat := strings.Join(strings.Fields(printed), " ")
	assert.Contains(t, flat, "Automatic import of existing resource Shelf01234567 ({BucketName=shelf}) needs a DeletionPolicy")

	printed, err = run(retained, "deploy", "--require-approval", "never")
	require.NoError(t, err, printed)
	assert.Contains(t, printed, "IMPORT_COMPLETE")
	bucket := c.s3(devAccount, ireland)
	name := "shelf"
	versioning, err := bucket.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &name})
	require.NoError(t, err)
	assert.EqualValues(t, "Enabled", versioning.Status, "what the template says of an imported resource holds")
	objects, err := bucket.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &name})
	require.NoError(t, err)
	assert.Len(t, objects.Contents, 1)
	assert.Empty(t, c.Unknown())
}
