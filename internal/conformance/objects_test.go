package conformance_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"
)

// object is one published file asset.
type object struct {
	ContentType, Encryption, Key, Cache string
	Checksum                            bool              // S3 was given a checksum of it
	Content                             map[string]string // of an archive its files with mode, time and digest, or else one digest
}

// templateHash is the part of an uploaded template's key that the CLI makes of
// its YAML form and the deployer of the JSON that both upload.
var templateHash = regexp.MustCompile(`^(cdk/[^/]+/)[0-9a-f]{64}\.yml$`)

// addObjects adds all objects of the bootstrap buckets of a place.
func (c *cloud) addObjects(all map[string]object, account, region string) {
	c.t.Helper()
	ctx, api := c.t.Context(), s3.NewFromConfig(c.as(account, region), func(o *s3.Options) { o.UsePathStyle = true })
	for _, qualifier := range []string{"hnb659fds", qualifier} {
		bucket := fmt.Sprintf("cdk-%s-assets-%s-%s", qualifier, account, region)
		pages := s3.NewListObjectsV2Paginator(api, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil && strings.Contains(err.Error(), "NoSuchBucket") {
				break
			}
			require.NoError(c.t, err)
			for _, found := range page.Contents {
				all[bucket+"/"+templateHash.ReplaceAllString(*found.Key, "$1<hash>.yml")] = c.object(api, bucket, *found.Key)
			}
		}
	}
}

func (c *cloud) object(api *s3.Client, bucket, key string) object {
	c.t.Helper()
	got, err := api.GetObject(c.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	require.NoError(c.t, err)
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	require.NoError(c.t, err)
	return object{
		ContentType: aws.ToString(got.ContentType), Encryption: string(got.ServerSideEncryption), Key: aws.ToString(got.SSEKMSKeyId),
		Cache: aws.ToString(got.CacheControl), Checksum: got.ChecksumSHA256 != nil || got.ChecksumCRC32 != nil || got.ChecksumCRC64NVME != nil,
		Content: c.content(key, data),
	}
}

func (c *cloud) content(key string, data []byte) map[string]string {
	c.t.Helper()
	if !strings.HasSuffix(key, ".zip") {
		return map[string]string{"": digest(data)}
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(c.t, err)
	files := map[string]string{}
	for _, file := range archive.File {
		reader, err := file.Open()
		require.NoError(c.t, err)
		text, err := io.ReadAll(reader)
		require.NoError(c.t, err)
		files[file.Name] = fmt.Sprintf("%s %s %s", file.Mode(), file.Modified.UTC().Format("2006-01-02"), digest(text))
	}
	return files
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// images gives the tags in the bootstrap repository of a place.
func (c *cloud) images(account, region string) (tags []string) {
	c.t.Helper()
	repository := fmt.Sprintf("cdk-hnb659fds-container-assets-%s-%s", account, region)
	found, err := ecr.NewFromConfig(c.as(account, region)).ListImages(c.t.Context(), &ecr.ListImagesInput{RepositoryName: &repository})
	require.NoError(c.t, err)
	for _, image := range found.ImageIds {
		tags = append(tags, repository+":"+aws.ToString(image.ImageTag))
	}
	return tags
}
