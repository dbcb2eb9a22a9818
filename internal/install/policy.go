package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/install/infra"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// checkPolicy warns if the policy of the bucket lacks statements of the stack's: S3 then
// lets whoever may write an object replace it. CloudFormation does not notice that
// somebody changed or removed the policy.
func (t *Target) checkPolicy(ctx context.Context, base aws.Config) kube.Check {
	what := "policy of bucket " + t.Place.Bucket
	_, missing, err := t.readPolicy(ctx, base)
	if err != nil {
		check := failedCheck(what, err, "your credentials need s3:GetBucketPolicy")
		check.Warning = true
		return check
	}
	if missing == nil {
		return kube.Check{What: what}
	}
	return kube.Check{
		What: what, Warning: true,
		Problem: "it lacks " + strings.Join(missing, ", ") + ": artifacts, records and states of environments are not protected",
		Fix:     "find out who changed it; generator bootstrap restores it",
	}
}

// restorePolicy adds the statements of the stack to the policy of the bucket that somebody
// changed or removed.
func (t *Target) restorePolicy(ctx context.Context, base aws.Config, r Reporter) error {
	policy, missing, err := t.readPolicy(ctx, base)
	if err != nil {
		r.Note(fmt.Sprintf("it is not known whether the policy of the bucket is the pipeline's: %v", err))
		return nil
	}
	if missing == nil {
		return nil
	}
	if _, err := t.bucketClient(base).PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &t.Place.Bucket, Policy: aws.String(string(policy))}); err != nil {
		return fmt.Errorf("restoring the statements %s of the policy of bucket %q: %w", strings.Join(missing, ", "), t.Place.Bucket, err)
	}
	r.Started(Bucket, t.Place.Bucket)
	r.Changed(Bucket, manifest.Change{Object: "policy of bucket " + t.Place.Bucket + " (" + strings.Join(missing, ", ") + ")", Action: manifest.Changed})
	return nil
}

// readPolicy returns the policy of the bucket with all statements of the stack, and the ids
// of those that it lacks.
func (t *Target) readPolicy(ctx context.Context, base aws.Config) (restored []byte, missing []string, err error) {
	found, err := t.bucketClient(base).GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &t.Place.Bucket})
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() == "NoSuchBucketPolicy":
		return infra.RestorePolicy(t.Config, t.Place, nil)
	case err != nil:
		return nil, nil, err
	}
	return infra.RestorePolicy(t.Config, t.Place, []byte(aws.ToString(found.Policy)))
}

func (t *Target) bucketClient(base aws.Config) *s3.Client {
	return bucket.NewClient(base, bucket.OwnedBy(t.Place.Account))
}
