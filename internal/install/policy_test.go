package install_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
)

// TestABucketPolicyThatSomebodyReplacedIsReportedAndRestored replaces the policy as a
// person can with the AWS CLI, which CloudFormation does not notice.
func TestABucketPolicyThatSomebodyReplacedIsReportedAndRestored(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	client, name := s3.NewFromConfig(p.Admin(installtest.Home, installtest.Region)), aws.String("shop-artifacts")
	overwrite := func() error {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: name, Key: aws.String("metadata/workflows/shop-1.json"), Body: strings.NewReader("{}")})
		return err
	}
	require.ErrorContains(t, overwrite(), "AccessDenied", "the policy denies it also to an administrator")
	const team = `{"Version":"2012-10-17","Statement":{"Sid":"Team","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::shop-artifacts"}}`
	_, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(team)})
	require.NoError(t, err)
	require.NoError(t, overwrite(), "nothing denies it")

	var j journal
	require.NoError(t, install.Check(t.Context(), p.target(text), &j), "runs go on")
	assert.Contains(t, j.String(), "warning: policy of bucket shop-artifacts: it lacks TLSOnly, WrittenOnce, UpdatedAsRead: ")
	_, restored := p.bootstrap(text)
	assert.Contains(t, restored.lines, "bucket: policy of bucket shop-artifacts (TLSOnly, WrittenOnce, UpdatedAsRead) changed")
	require.ErrorContains(t, overwrite(), "AccessDenied")
	policy, err := client.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: name})
	require.NoError(t, err)
	assert.Contains(t, *policy.Policy, `"Sid":"Team"`, "statements of others stay")

	_, err = client.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: name})
	require.NoError(t, err)
	_, restored = p.bootstrap(text)
	assert.Contains(t, restored.lines, "bucket: policy of bucket shop-artifacts (TLSOnly, WrittenOnce, UpdatedAsRead) changed")
	_, again := p.bootstrap(text)
	assert.Contains(t, again.lines, "ok: policy of bucket shop-artifacts")
	assert.NotContains(t, again.String(), " changed")

	_, err = client.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: name})
	require.NoError(t, err)
	assert.Contains(t, p.apply(text+installtest.ProdEnvironment).String(), "warning: policy of bucket shop-artifacts: it lacks TLSOnly, WrittenOnce, UpdatedAsRead: ", "new identities have it call AWS")
}
