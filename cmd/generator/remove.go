package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// lookEvery is how often a stack that goes away is looked at.
const lookEvery = time.Second

// removeStack deletes a stack and waits until it is gone.
func removeStack(ctx context.Context, base aws.Config, std streams, name string) error {
	client := cloudformation.NewFromConfig(base)
	stack, err := cfn.Find(ctx, client, name)
	if err != nil || stack == nil {
		return err
	}
	id := aws.ToString(stack.StackId) // a stack that is gone is found by its id only
	if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &id}); err != nil {
		return fmt.Errorf("deleting stack %q: %w", name, err)
	}
	for {
		stack, err := cfn.Find(ctx, client, id)
		switch {
		case err != nil:
			return err
		case stack == nil, stack.StackStatus == cfntypes.StackStatusDeleteComplete:
			fmt.Fprintf(std.err, "stack %s removed\n", name)
			return nil
		case stack.StackStatus == cfntypes.StackStatusDeleteFailed:
			return fault.Failedf("stack %q could not be deleted: %s", name, aws.ToString(stack.StackStatusReason))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookEvery):
		}
	}
}

// removeBucket deletes every version of every object, and then the bucket.
func removeBucket(ctx context.Context, base aws.Config, std streams, bucket string) error {
	client := s3.NewFromConfig(base)
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var gone *s3types.NoSuchBucket
		if errors.As(err, &gone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("listing bucket %q: %w", bucket, err)
		}
		if err := deleteVersions(ctx, client, bucket, page); err != nil {
			return err
		}
	}
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		return fmt.Errorf("deleting bucket %q: %w", bucket, err)
	}
	fmt.Fprintf(std.err, "bucket %s removed\n", bucket)
	return nil
}

func deleteVersions(ctx context.Context, client *s3.Client, bucket string, page *s3.ListObjectVersionsOutput) error {
	var versions []s3types.ObjectIdentifier
	for _, version := range page.Versions {
		versions = append(versions, s3types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
	}
	for _, marker := range page.DeleteMarkers {
		versions = append(versions, s3types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
	}
	if versions == nil {
		return nil
	}
	result, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &s3types.Delete{Objects: versions, Quiet: aws.Bool(true)}})
	if err != nil {
		return fmt.Errorf("emptying bucket %q: %w", bucket, err)
	}
	if len(result.Errors) > 0 {
		first := result.Errors[0]
		return fault.Failedf("emptying bucket %q: %s: %s", bucket, aws.ToString(first.Key), aws.ToString(first.Message))
	}
	return nil
}
