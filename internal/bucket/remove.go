package bucket

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Remove deletes every version of every object in a bucket, and then the bucket.
// It reports whether the bucket existed.
func Remove(ctx context.Context, client *s3.Client, name string) (found bool, err error) {
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if errs.Code(err) == "NoSuchBucket" { // the SDK has no type for it in this call
			return false, nil
		}
		if err != nil {
			return true, fmt.Errorf("listing bucket %q: %w", name, err)
		}
		var versions []types.ObjectIdentifier
		for _, version := range page.Versions {
			versions = append(versions, types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
		}
		for _, marker := range page.DeleteMarkers {
			versions = append(versions, types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
		}
		if versions == nil {
			continue
		}
		result, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &name, Delete: &types.Delete{Objects: versions, Quiet: aws.Bool(true)}})
		if err != nil {
			return true, fmt.Errorf("emptying bucket %q: %w", name, err)
		}
		if len(result.Errors) > 0 {
			first := result.Errors[0]
			return true, errs.Failedf("emptying bucket %q: %s: %s", name, aws.ToString(first.Key), aws.ToString(first.Message))
		}
	}
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name}); err != nil {
		return true, fmt.Errorf("deleting bucket %q: %w", name, err)
	}
	return true, nil
}
