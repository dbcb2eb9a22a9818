package awssim_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

func TestAnSDKClientIsServed(t *testing.T) {
	ctx := context.Background()
	c := newCloud(t)
	who, err := c.sts(devAccount, ireland).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	require.Equal(t, devAccount, *who.Account)
	client := c.s3(devAccount, ireland)
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("my-bucket"), CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}})
	require.NoError(t, err)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("my-bucket"), Key: aws.String("a/b c+d"), Body: bytes.NewReader([]byte("hello"))})
	require.NoError(t, err)
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("my-bucket"), Key: aws.String("a/b c+d"), ChecksumMode: s3types.ChecksumModeEnabled})
	require.NoError(t, err)
	body, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.Equal(t, "hello", string(body))
	list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("my-bucket")})
	require.NoError(t, err)
	require.Len(t, list.Contents, 1)
	_, err = c.ssm(devAccount, ireland).PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/x/y"), Value: aws.String("v"), Type: ssmtypes.ParameterTypeString})
	require.NoError(t, err)
	p, err := c.ssm(devAccount, ireland).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/x/y")})
	require.NoError(t, err)
	require.Equal(t, "v", *p.Parameter.Value)
}
