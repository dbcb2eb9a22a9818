package install_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
)

func TestDeleteRemovesTheObjectsOfItsPipelineAlone(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.apply(installtest.Named("shop"))
	p.apply(installtest.Named("market"))
	var j journal
	changes, err := install.Delete(t.Context(), p.offline(installtest.Named("shop")), install.DeleteOptions{}, &j)
	require.NoError(t, err)
	assert.Contains(t, j.lines, "objects: sensor/shop-sensor removed")
	assert.Len(t, changes, len(j.lines))
	for _, path := range p.Kube.Paths() {
		assert.NotContains(t, path, "shop")
	}
	assert.Equal(t, []string{"market-sensor"}, p.Kube.Has("sensors"))
}

func TestDeleteRemovesTheStackAndKeepsTheBucketUnlessAsked(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	stack, _ := p.Stack("shop")
	client, bucket, key := s3.NewFromConfig(p.Admin(installtest.Home, installtest.Region)), "shop-artifacts", "some/key"
	for _, content := range []string{"one", "two"} {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(content)})
		require.NoError(t, err)
	}
	_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(t, err)

	var j journal
	_, err = install.Delete(t.Context(), p.target(text), install.DeleteOptions{Stack: true}, &j)
	require.NoError(t, err)
	assert.Contains(t, j.lines, "stack: stack "+stack+" removed")
	assert.Contains(t, j.lines, "bucket: bucket shop-artifacts stays")
	assert.Nil(t, p.outputs("shop"))
	require.ErrorContains(t, install.Check(t.Context(), p.target(text), &j), "1 of the checks failed")
	assert.Contains(t, j.String(), "failed: bucket shop-artifacts: it exists but does not belong to this pipeline's stack")

	j = journal{}
	_, err = install.Delete(t.Context(), p.target(text), install.DeleteOptions{Stack: true, Bucket: true}, &j)
	require.NoError(t, err)
	assert.Equal(t, []string{"bucket: bucket shop-artifacts removed"}, j.lines, "all else was gone already")

	j = journal{}
	changes, err := install.Delete(t.Context(), p.target(text), install.DeleteOptions{Stack: true, Bucket: true}, &j)
	require.NoError(t, err)
	assert.Empty(t, changes)
	p.bootstrap(text)
}

func TestDeleteConfirmsWhatItRemovesAndRemovesNothingThatIsNotConfirmed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	stack, _ := p.Stack("shop")
	before, declined := p.Kube.Paths(), errors.New("declined")
	for _, c := range []struct {
		options       install.DeleteOptions
		stack, bucket string
	}{
		{install.DeleteOptions{}, "", ""},
		{install.DeleteOptions{Bucket: true}, "", ""}, // never a bucket that its stack still uses
		{install.DeleteOptions{Stack: true}, stack, ""},
		{install.DeleteOptions{Stack: true, Bucket: true}, stack, "shop-artifacts"},
	} {
		c.options.Confirm = func(_ context.Context, r install.Removal) error {
			assert.True(t, strings.HasPrefix(r.Pipeline, "shop-"), r.Pipeline)
			assert.Equal(t, c.stack, r.Stack)
			assert.Equal(t, c.bucket, r.Bucket)
			return declined
		}
		_, err := install.Delete(t.Context(), p.target(text), c.options, &journal{})
		require.ErrorIs(t, err, declined)
	}
	assert.Equal(t, before, p.Kube.Paths())
	assert.NotNil(t, p.outputs("shop"))
}

func TestAStackThatCannotBeDeletedEndsDeleteAndItsBucketStays(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	text := installtest.Named("shop")
	p.bootstrap(text)
	stack, _ := p.Stack("shop")
	home := p.Admin(installtest.Home, installtest.Region)
	_, err := cfn.NewClient(home).UpdateTerminationProtection(t.Context(), &cloudformation.UpdateTerminationProtectionInput{StackName: &stack, EnableTerminationProtection: aws.Bool(true)})
	require.NoError(t, err)
	changes, err := install.Delete(t.Context(), p.target(text), install.DeleteOptions{Stack: true, Bucket: true}, &journal{})
	require.ErrorContains(t, err, "deleting stack \""+stack+"\"")
	assert.NotEmpty(t, changes, "the objects were removed")
	_, err = s3.NewFromConfig(home).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String("shop-artifacts")})
	assert.NoError(t, err)
}
