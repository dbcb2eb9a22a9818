package install

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
	"github.com/aws/smithy-go"

	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/manifest"
)

// DeleteOptions say what Delete removes.
type DeleteOptions struct {
	Stack  bool // the stack too; its bucket stays
	Bucket bool // with Stack: the bucket too, with all artifacts and records

	// Confirm is called before anything is removed; its error ends the verb. It may be nil.
	Confirm func(context.Context, Removal) error
}

// Removal names what Delete is about to remove.
type Removal struct {
	Pipeline string // its objects in the cluster
	Stack    string // empty: it stays
	Bucket   string // empty: it stays
}

// Delete removes every object that has the pipeline's label, with the runs that
// are over, and then the stack and the bucket if asked to. What was deployed to
// the environments stays. The changes are those that were made, also with an error.
func Delete(ctx context.Context, t Target, o DeleteOptions, r Reporter) ([]manifest.Change, error) {
	if err := t.useInstalledNames(ctx); err != nil {
		return nil, err
	}
	removal := Removal{Pipeline: t.names().Pipeline}
	if o.Stack {
		removal.Stack = t.names().Stack
	}
	if o.Bucket {
		removal.Bucket = t.Place.Bucket
	}
	if o.Confirm != nil {
		if err := o.Confirm(ctx, removal); err != nil {
			return nil, err
		}
	}
	changes, err := t.Cluster.Delete(ctx, removal.Pipeline, t.Config.ArgoNamespace, t.Config.ArgoEventsNamespace)
	for _, change := range changes {
		r.Changed(Objects, change)
	}
	if err != nil || !o.Stack {
		return changes, err
	}
	base, err := t.AWS(ctx, t.Place.Region)
	if err != nil {
		return changes, err
	}
	removed := func(part Part, object string, action manifest.Action) {
		change := manifest.Change{Object: object, Action: action}
		r.Changed(part, change)
		changes = append(changes, change)
	}
	if found, err := removeStack(ctx, cfn.NewClient(base), removal.Stack); err != nil {
		return changes, err
	} else if found {
		removed(Stack, "stack "+removal.Stack, manifest.Removed)
	}
	bucket := "bucket " + t.Place.Bucket
	if !o.Bucket {
		removed(Bucket, bucket, kept)
		return changes, nil
	}
	if found, err := removeBucket(ctx, s3.NewFromConfig(base), removal.Bucket); err != nil {
		return changes, err
	} else if found {
		removed(Bucket, bucket, manifest.Removed)
	}
	return changes, nil
}

// pollEvery is how often a stack that is being deleted is looked at.
const pollEvery = time.Second

// removeStack deletes a stack and waits until it is gone. It returns whether
// there was one.
func removeStack(ctx context.Context, api cfn.API, name string) (found bool, err error) {
	stack, err := cfn.Find(ctx, api, name)
	if err != nil || stack == nil {
		return false, err
	}
	id := aws.ToString(stack.StackId) // a deleted stack is found by its id only
	if _, err := api.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &id}); err != nil {
		return true, fmt.Errorf("deleting stack %q: %w", name, err)
	}
	for {
		stack, err := cfn.Find(ctx, api, id)
		switch {
		case err != nil:
			return true, err
		case stack == nil, stack.StackStatus == cfntypes.StackStatusDeleteComplete:
			return true, nil
		case stack.StackStatus == cfntypes.StackStatusDeleteFailed:
			return true, fault.Failedf("stack %q could not be deleted: %s", name, aws.ToString(stack.StackStatusReason))
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// removeBucket deletes every version of every object, and then the bucket. It
// returns whether there was one.
func removeBucket(ctx context.Context, client *s3.Client, bucket string) (found bool, err error) {
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var refused smithy.APIError
		if errors.As(err, &refused) && refused.ErrorCode() == "NoSuchBucket" { // the SDK has no type for it in this call
			return false, nil
		}
		if err != nil {
			return true, fmt.Errorf("listing bucket %q: %w", bucket, err)
		}
		var versions []s3types.ObjectIdentifier
		for _, version := range page.Versions {
			versions = append(versions, s3types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
		}
		for _, marker := range page.DeleteMarkers {
			versions = append(versions, s3types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
		}
		if versions == nil {
			continue
		}
		result, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &s3types.Delete{Objects: versions, Quiet: aws.Bool(true)}})
		if err != nil {
			return true, fmt.Errorf("emptying bucket %q: %w", bucket, err)
		}
		if len(result.Errors) > 0 {
			first := result.Errors[0]
			return true, fault.Failedf("emptying bucket %q: %s: %s", bucket, aws.ToString(first.Key), aws.ToString(first.Message))
		}
	}
	if _, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
		return true, fmt.Errorf("deleting bucket %q: %w", bucket, err)
	}
	return true, nil
}
