package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/rogpeppe/go-internal/diff"

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
	_, _, missing, err := t.readPolicy(ctx, base)
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
	_, policy, missing, err := t.readPolicy(ctx, base)
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

// policyDifference returns how restorePolicy would change the policy of the bucket: none or
// one difference.
func (t *Target) policyDifference(ctx context.Context, r Reporter) []kube.Difference {
	base, identity := t.checkIdentity(ctx)
	if identity.Failed() {
		r.Note(fmt.Sprintf("the policy of bucket %s was not compared: %s: %s", t.Place.Bucket, identity.What, identity.Problem))
		return nil
	}
	installed, policy, missing, err := t.readPolicy(ctx, base)
	if err == nil && missing == nil {
		return nil
	}
	var text []byte
	if err == nil {
		text, err = t.comparePolicies(installed, policy)
	}
	if err != nil {
		r.Note(fmt.Sprintf("the policy of bucket %s was not compared: %v", t.Place.Bucket, err))
		return nil
	}
	r.Note(fmt.Sprintf("the policy of bucket %s lacks %s; generator bootstrap restores it", t.Place.Bucket, strings.Join(missing, ", ")))
	return []kube.Difference{{Change: manifest.Change{Object: "policy of bucket " + t.Place.Bucket, Action: manifest.Changed}, Text: text}}
}

// comparePolicies returns the unified diff of two policies; nil is none.
func (t *Target) comparePolicies(installed, policy []byte) ([]byte, error) {
	var texts [2]bytes.Buffer
	for i, one := range [][]byte{installed, policy} {
		if one == nil {
			continue
		}
		if err := json.Indent(&texts[i], one, "", "  "); err != nil {
			return nil, err
		}
		texts[i].WriteByte('\n')
	}
	path := "bucket/" + t.Place.Bucket + "/policy"
	return diff.Diff("live/"+path, texts[0].Bytes(), "rendered/"+path, texts[1].Bytes()), nil
}

// readPolicy returns the installed policy of the bucket, or nil, that policy with all
// statements of the stack, and the ids of those that it lacks.
func (t *Target) readPolicy(ctx context.Context, base aws.Config) (installed, restored []byte, missing []string, err error) {
	found, err := t.bucketClient(base).GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &t.Place.Bucket})
	var refused smithy.APIError
	switch {
	case errors.As(err, &refused) && refused.ErrorCode() == "NoSuchBucketPolicy":
	case err != nil:
		return nil, nil, nil, err
	default:
		installed = []byte(aws.ToString(found.Policy))
	}
	restored, missing, err = infra.RestorePolicy(t.Config, t.Place, installed)
	return installed, restored, missing, err
}

func (t *Target) bucketClient(base aws.Config) *s3.Client {
	return bucket.NewClient(base, bucket.OwnedBy(t.Place.Account))
}
