package awssim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBucketNamesAreGlobal(t *testing.T) {
	c := newCloud(t)
	c.bucket(devAccount, ireland, "shelf")
	create := func(account, region, name string) error {
		_, err := c.s3(account, region).CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(region)},
		})
		return err
	}
	assert.Equal(t, "BucketAlreadyOwnedByYou", code(create(devAccount, ireland, "shelf")))
	assert.Equal(t, "BucketAlreadyExists", code(create(prodAccount, frankfurt, "shelf")))
	for _, name := range []string{"UPPER", "a..b", "10.0.0.1", "-start", "under_score"} {
		assert.Equal(t, "InvalidBucketName", code(create(devAccount, ireland, name)), name)
	}
}

func TestABucketAnswersInItsRegionOnly(t *testing.T) {
	c := newCloud(t)
	c.bucket(devAccount, frankfurt, "shelf")
	_, err := c.s3(devAccount, ireland).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("shelf")})
	require.Equal(t, "PermanentRedirect", code(err))
	location, err := c.s3(devAccount, ireland).GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("shelf")})
	require.NoError(t, err)
	require.EqualValues(t, frankfurt, location.LocationConstraint)
	_, err = c.s3(devAccount, ireland).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("other")})
	require.Equal(t, "IllegalLocationConstraintException", code(err))
}

func TestABucketOfAnotherAccountIsClosed(t *testing.T) {
	c := newCloud(t)
	s := c.bucket(devAccount, ireland, "shelf")
	s.put("book", "text")
	outsider := shelf{c.s3(prodAccount, ireland), t, s.name}
	_, err := outsider.get("book")
	require.Equal(t, "AccessDenied", code(err))
	_, err = s.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: s.name, Policy: aws.String(fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::shelf/*"}]}`, prodAccount))})
	require.NoError(t, err)
	text, err := outsider.get("book")
	require.NoError(t, err)
	require.Equal(t, "text", text)
	_, err = outsider.get("missing")
	require.Equal(t, "AccessDenied", code(err), "a caller without permission to list does not learn what is missing")
	_, err = outsider.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: s.name})
	require.Equal(t, "AccessDenied", code(err))
	_, err = s.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: s.name, ExpectedBucketOwner: aws.String(prodAccount)})
	require.Error(t, err)
}

func TestABucketPolicyOutranksItsOwner(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	policy := func(statement string) error {
		_, err := s.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: s.name, Policy: aws.String(`{"Statement":[` + statement + `]}`)})
		return err
	}
	require.NoError(t, policy(`{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::shelf/locked/*"}`))
	s.put("free/x", "1")
	_, err := s.PutObject(ctx, &s3.PutObjectInput{Bucket: s.name, Key: aws.String("locked/x"), Body: strings.NewReader("1")})
	require.Equal(t, "AccessDenied", code(err))
	require.Equal(t, "MalformedPolicy", code(policy(`{"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::shelf/*"}`)))
	require.Equal(t, "MalformedPolicy", code(policy(`{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::other/*"}`)))
	require.NoError(t, policy(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shelf","arn:aws:s3:::shelf/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`))
	s.put("locked/x", "the loopback stands for TLS")
}

func TestListings(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	for _, key := range []string{"a/1", "a/2", "a/b/3", "b", "c/4", "d"} {
		s.put(key, key)
	}
	list := func(input s3.ListObjectsV2Input) (keys []string, pages int) {
		input.Bucket = s.name
		pager := s3.NewListObjectsV2Paginator(s.Client, &input)
		for pager.HasMorePages() {
			page, err := pager.NextPage(ctx)
			require.NoError(t, err)
			pages++
			for _, object := range page.Contents {
				keys = append(keys, *object.Key)
			}
			for _, prefix := range page.CommonPrefixes {
				keys = append(keys, *prefix.Prefix)
			}
		}
		return keys, pages
	}
	keys, pages := list(s3.ListObjectsV2Input{MaxKeys: aws.Int32(2)})
	assert.Equal(t, []string{"a/1", "a/2", "a/b/3", "b", "c/4", "d"}, keys)
	assert.Equal(t, 3, pages)
	keys, pages = list(s3.ListObjectsV2Input{Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)})
	assert.Equal(t, []string{"a/", "b", "c/", "d"}, keys)
	assert.Equal(t, 4, pages)
	keys, _ = list(s3.ListObjectsV2Input{Prefix: aws.String("a/"), Delimiter: aws.String("/")})
	assert.Equal(t, []string{"a/1", "a/2", "a/b/"}, keys)
	keys, _ = list(s3.ListObjectsV2Input{StartAfter: aws.String("b")})
	assert.Equal(t, []string{"c/4", "d"}, keys)
	older, err := s.ListObjects(ctx, &s3.ListObjectsInput{Bucket: s.name, Marker: aws.String("b"), MaxKeys: aws.Int32(1), Delimiter: aws.String("/")})
	require.NoError(t, err)
	assert.Equal(t, "c/", *older.NextMarker)
}

func TestVersionsAreKeptAndRestored(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	s.put("k", "before versioning")
	s.version()
	second, third := s.put("k", "two"), s.put("k", "three")
	require.NotEqual(t, *second.VersionId, *third.VersionId)
	marker, err := s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: s.name, Key: aws.String("k")})
	require.NoError(t, err)
	require.True(t, *marker.DeleteMarker)
	_, err = s.get("k")
	require.Equal(t, "NoSuchKey", code(err))

	versions, err := s.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: s.name})
	require.NoError(t, err)
	require.Len(t, versions.Versions, 3)
	require.Len(t, versions.DeleteMarkers, 1)
	require.Equal(t, "null", *versions.Versions[2].VersionId)

	_, err = s.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: s.name, Key: aws.String("k"), VersionId: marker.VersionId})
	require.NoError(t, err)
	text, err := s.get("k")
	require.NoError(t, err)
	require.Equal(t, "three", text, "without its marker the object is there again")
	_, err = s.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: s.name})
	require.Equal(t, "BucketNotEmpty", code(err))
	s.deleteAllVersions()
	_, err = s.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: s.name})
	require.NoError(t, err)
}

func (s shelf) deleteAllVersions() {
	versions, err := s.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: s.name})
	require.NoError(s.t, err)
	var gone []types.ObjectIdentifier
	for _, version := range versions.Versions {
		gone = append(gone, types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
	}
	out, err := s.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: s.name, Delete: &types.Delete{Objects: gone}})
	require.NoError(s.t, err)
	require.Len(s.t, out.Deleted, len(gone))
	require.Empty(s.t, out.Errors)
}

func TestCopies(t *testing.T) {
	c := newCloud(t)
	from := c.bucket(devAccount, ireland, "from")
	to := c.bucket(devAccount, ireland, "into")
	_, err := from.PutObject(ctx, &s3.PutObjectInput{
		Bucket: from.name, Key: aws.String("a b/ü"), Body: strings.NewReader("text"), Metadata: map[string]string{"m": "1"},
	})
	require.NoError(t, err)
	_, err = to.CopyObject(ctx, &s3.CopyObjectInput{Bucket: to.name, Key: aws.String("copy"), CopySource: aws.String("from/a%20b/%C3%BC")})
	require.NoError(t, err)
	head, err := to.HeadObject(ctx, &s3.HeadObjectInput{Bucket: to.name, Key: aws.String("copy")})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"m": "1"}, head.Metadata)
	_, err = to.CopyObject(ctx, &s3.CopyObjectInput{Bucket: to.name, Key: aws.String("copy"), CopySource: aws.String("into/copy")})
	require.Equal(t, "InvalidRequest", code(err))
	_, err = to.CopyObject(ctx, &s3.CopyObjectInput{Bucket: to.name, Key: aws.String("copy"), CopySource: aws.String("from/none")})
	require.Equal(t, "NoSuchKey", code(err))
	theirs := c.bucket(prodAccount, ireland, "theirs")
	_, err = theirs.CopyObject(ctx, &s3.CopyObjectInput{Bucket: theirs.name, Key: aws.String("stolen"), CopySource: aws.String("into/copy")})
	require.Equal(t, "AccessDenied", code(err))
}

func TestThePartsOfMultipartUploadsAreVerified(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	upload, err := s.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: s.name, Key: aws.String("k")})
	require.NoError(t, err)
	part := func(number int32, text string) types.CompletedPart {
		out, err := s.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: s.name, Key: aws.String("k"), UploadId: upload.UploadId, PartNumber: &number, Body: strings.NewReader(text),
		})
		require.NoError(t, err)
		return types.CompletedPart{PartNumber: &number, ETag: out.ETag}
	}
	complete := func(parts ...types.CompletedPart) error {
		_, err := s.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: s.name, Key: aws.String("k"), UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
		})
		return err
	}
	one, two := part(1, "small"), part(2, "last")
	assert.Equal(t, "EntityTooSmall", code(complete(one, two)))
	assert.Equal(t, "InvalidPartOrder", code(complete(two, one)))
	assert.Equal(t, "InvalidPart", code(complete(types.CompletedPart{PartNumber: aws.Int32(3), ETag: one.ETag})))
	assert.Equal(t, "InvalidPart", code(complete(types.CompletedPart{PartNumber: aws.Int32(1), ETag: two.ETag})))
	require.NoError(t, complete(two))
	text, err := s.get("k")
	require.NoError(t, err)
	require.Equal(t, "last", text)
	require.Equal(t, "NoSuchUpload", code(complete(two)))
}

func TestBucketSettingsAreReadAsTheyWereWritten(t *testing.T) {
	s := newCloud(t).bucket(devAccount, ireland, "shelf")
	encryption, err := s.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: s.name})
	require.NoError(t, err)
	require.Equal(t, types.ServerSideEncryptionAes256, encryption.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm)
	_, err = s.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: s.name})
	require.Equal(t, "NoSuchLifecycleConfiguration", code(err))
	_, err = s.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: s.name, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: aws.String("old"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(90)},
		}}},
	})
	require.NoError(t, err)
	lifecycle, err := s.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: s.name})
	require.NoError(t, err)
	require.Equal(t, int32(90), *lifecycle.Rules[0].Expiration.Days)
	_, err = s.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: s.name})
	require.Equal(t, "NoSuchBucketPolicy", code(err))
	_, err = s.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: s.name, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)},
	})
	require.NoError(t, err)
	block, err := s.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: s.name})
	require.NoError(t, err)
	require.True(t, *block.PublicAccessBlockConfiguration.BlockPublicAcls)
	_, err = s.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: s.name, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}})
	require.NoError(t, err)
	tags, err := s.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: s.name})
	require.NoError(t, err)
	require.Equal(t, "b", *tags.TagSet[0].Value)
}
