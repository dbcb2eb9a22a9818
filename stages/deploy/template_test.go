package deploy_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
)

// assetBucket is the bucket of dev's bootstrap.
type assetBucket struct {
	t   *testing.T
	api *s3.Client
}

var assetBucketName = aws.String("cdk-hnb659fds-assets-" + dev + "-eu-west-1")

func (w *world) assetBucket() assetBucket {
	cfg, err := w.base(w.t.Context())
	require.NoError(w.t, err)
	return assetBucket{w.t, s3.NewFromConfig(cfg)}
}

// objects gives the content of each object by its key.
func (b assetBucket) objects() map[string]string {
	found, err := b.api.ListObjectsV2(b.t.Context(), &s3.ListObjectsV2Input{Bucket: assetBucketName})
	require.NoError(b.t, err)
	all := map[string]string{}
	for _, object := range found.Contents {
		got, err := b.api.GetObject(b.t.Context(), &s3.GetObjectInput{Bucket: assetBucketName, Key: object.Key})
		require.NoError(b.t, err)
		content, err := io.ReadAll(got.Body)
		require.NoError(b.t, err)
		all[*object.Key] = string(content)
	}
	return all
}

func (b assetBucket) put(key, content string) {
	b.putWith(key, content, "")
}

// putWith puts an object with a checksum of S3's: with one of the algorithm that this program
// uses, the object looks most like one of ours.
func (b assetBucket) putWith(key, content string, checksum types.ChecksumAlgorithm) {
	_, err := b.api.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: assetBucketName, Key: &key, Body: bytes.NewReader([]byte(content)), ChecksumAlgorithm: checksum})
	assert.NoError(b.t, err)
}

const otherTemplate = `{"Resources": {"Evil": {"Type": "AWS::SNS::Topic"}}}`

// Another commit of the environment can publish what it likes under the keys that the
// app's assets will have: templates, those of nested stacks, and code.
func TestAssetsThatSomebodyPublishedAheadAreNotDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(devOf("{name: Data}, {name: Api}"))
	_, err := w.run("dev")
	require.NoError(t, err, "an honest run shows the keys")
	assets := w.assetBucket()
	honest := assets.objects()
	require.Len(t, honest, 4, "two templates, one of a nested stack, and a folder of code")
	for _, checksum := range []types.ChecksumAlgorithm{"", types.ChecksumAlgorithmSha256} {
		w.deleteStack("Api", "eu-west-1")
		w.deleteStack("Data", "eu-west-1")
		for key := range honest {
			assets.putWith(key, otherTemplate, checksum)
		}

		w.ForgetCalls()
		out, err := w.run("dev")
		require.NoError(t, err)
		assert.Equal(t, map[string]string{"Data": "created", "Api": "created"}, actions(out))
		assert.Equal(t, honest, assets.objects())
		assert.Equal(t, 4, w.Calls()["s3:HeadObject"])
	}
}

// Another run writes to the bucket at the same time, after the template was published.
func TestATemplateThatSomebodyReplacesBeforeCloudFormationReadsItIsNotDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(devOf("{name: Data}"))
	assets := w.assetBucket()
	w.onEvent = func(e progress.Event) {
		if e.Scope == progress.Asset && e.Step == "published" {
			for key := range assets.objects() {
				assets.put(key, otherTemplate)
			}
		}
	}
	w.ForgetCalls()
	_, err := w.run("dev")
	require.ErrorContains(t, err, "CloudFormation read another template for stack \"Data\" than the app's")
	assert.Contains(t, errs.HintOf(err)+err.Error(), "delete it, and run again")
	assert.Zero(t, w.Calls()["cloudformation:ExecuteChangeSet"])
	assert.Equal(t, 1, w.Calls()["cloudformation:CreateChangeSet"], "the other template was read")
}
