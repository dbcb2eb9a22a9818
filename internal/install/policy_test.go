package install_test

import (
	"context"
	"errors"
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
	assert.Contains(t, p.apply(text+installtest.ProdEnvironment).lines, "bucket: policy of bucket shop-artifacts (TLSOnly, WrittenOnce, UpdatedAsRead) changed", "new identities have it call AWS")
	require.ErrorContains(t, overwrite(), "AccessDenied")
}

func TestDiffShowsABucketPolicyThatSomebodyReplaced(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	client, name := s3.NewFromConfig(p.Admin(installtest.Home, installtest.Region)), aws.String("shop-artifacts")
	differences := func(target install.Target) (string, string) {
		var j journal
		found, err := install.Diff(t.Context(), target, &j)
		require.NoError(t, err)
		var all strings.Builder
		for _, difference := range found {
			assert.Equal(t, "policy of bucket shop-artifacts", difference.Object)
			all.Write(difference.Text)
		}
		return all.String(), j.String()
	}
	shown, notes := differences(p.target(text))
	assert.Empty(t, shown+notes)

	const loose = `{"Version":"2012-10-17","Statement":[{"Sid":"WrittenOnce","Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::shop-artifacts/*"}]}`
	_, err := client.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: name, Policy: aws.String(loose)})
	require.NoError(t, err)
	shown, notes = differences(p.target(text))
	assert.Contains(t, shown, "--- live/bucket/shop-artifacts/policy\n+++ rendered/bucket/shop-artifacts/policy\n")
	assert.Contains(t, shown, `-      "Effect": "Allow"`)
	assert.Contains(t, shown, `+      "Sid": "TLSOnly"`)
	assert.Equal(t, "note: the policy of bucket shop-artifacts lacks TLSOnly, WrittenOnce, UpdatedAsRead; generator bootstrap restores it", notes)

	_, err = client.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: name})
	require.NoError(t, err)
	shown, _ = differences(p.target(text))
	assert.NotContains(t, shown, "\n-  ", "there was none")
	assert.Contains(t, shown, `+      "Sid": "UpdatedAsRead"`)

	without := p.target(text)
	without.AWS = func(context.Context, string) (aws.Config, error) { return aws.Config{}, errors.New("no credentials") }
	shown, notes = differences(without)
	assert.Empty(t, shown, "the cluster is compared all the same")
	assert.Equal(t, "note: the policy of bucket shop-artifacts was not compared: AWS credentials: no credentials", notes)

	p.bootstrap(text)
	shown, notes = differences(p.target(text))
	assert.Empty(t, shown+notes)
}
