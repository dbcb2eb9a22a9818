package clouds

import (
	"archive/zip"
	"bytes"
	"context"
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
)

// Object is one published file asset.
type Object struct {
	ContentType, Encryption, Key, Cache string
	Checksum                            bool              // S3 was given a checksum of it
	Content                             map[string]string // of an archive its files with mode, time and digest, or else one digest
}

// templateHash is the part of an uploaded template's key that the CLI makes of
// its YAML form and the deployer of the JSON that both upload.
var templateHash = regexp.MustCompile(`^(cdk/[^/]+/)[0-9a-f]{64}\.yml$`)

// addObjects adds all objects of the bootstrap buckets of a place.
func (r reader) addObjects(ctx context.Context, all map[string]Object, account, region string) error {
	api := s3.NewFromConfig(r.as(account, region), func(o *s3.Options) { o.UsePathStyle = true })
	for _, qualifier := range r.qualifiers {
		bucket := fmt.Sprintf("cdk-%s-assets-%s-%s", qualifier, account, region)
		pages := s3.NewListObjectsV2Paginator(api, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil && strings.Contains(err.Error(), "NoSuchBucket") {
				break
			} else if err != nil {
				return err
			}
			for _, found := range page.Contents {
				read, err := readObject(ctx, api, bucket, *found.Key)
				if err != nil {
					return fmt.Errorf("s3://%s/%s: %w", bucket, *found.Key, err)
				}
				all[bucket+"/"+templateHash.ReplaceAllString(*found.Key, "$1<hash>.yml")] = read
			}
		}
	}
	return nil
}

func readObject(ctx context.Context, api *s3.Client, bucket, key string) (Object, error) {
	got, err := api.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return Object{}, err
	}
	defer got.Body.Close()
	data, err := io.ReadAll(got.Body)
	if err != nil {
		return Object{}, err
	}
	files, err := content(key, data)
	return Object{
		ContentType: aws.ToString(got.ContentType), Encryption: string(got.ServerSideEncryption), Key: aws.ToString(got.SSEKMSKeyId),
		Cache: aws.ToString(got.CacheControl), Checksum: got.ChecksumSHA256 != nil || got.ChecksumCRC32 != nil || got.ChecksumCRC64NVME != nil,
		Content: files,
	}, err
}

// content returns the files of an archive, or else one digest.
func content(key string, data []byte) (map[string]string, error) {
	if !strings.HasSuffix(key, ".zip") {
		return map[string]string{"": digest(data)}, nil
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, file := range archive.File {
		text, err := readFile(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name, err)
		}
		files[file.Name] = fmt.Sprintf("%s %s %s", file.Mode(), file.Modified.UTC().Format("2006-01-02"), digest(text))
	}
	return files, nil
}

func readFile(file *zip.File) ([]byte, error) {
	reader, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// images returns the tags in the bootstrap repositories of a place.
func (r reader) images(ctx context.Context, account, region string) (tags []string, err error) {
	api := ecr.NewFromConfig(r.as(account, region))
	for _, qualifier := range r.qualifiers {
		repository := fmt.Sprintf("cdk-%s-container-assets-%s-%s", qualifier, account, region)
		found, err := api.ListImages(ctx, &ecr.ListImagesInput{RepositoryName: &repository})
		if err != nil && strings.Contains(err.Error(), "RepositoryNotFoundException") {
			continue
		} else if err != nil {
			return nil, err
		}
		for _, image := range found.ImageIds {
			tags = append(tags, repository+":"+aws.ToString(image.ImageTag))
		}
	}
	return tags, nil
}
