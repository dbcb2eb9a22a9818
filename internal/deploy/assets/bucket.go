package assets

import (
	"context"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// encryption checks once that the bucket exists and returns its encryption:
// "AES256", "aws:kms", "aws:kms <key>", or "" for the default of S3.
func (p *Publisher) encryption(ctx context.Context, client *s3.Client, d assembly.FileDestination, to Target) (string, error) {
	return p.buckets.do(d.Bucket+"\n"+d.Role.ARN, func() (string, error) {
		if _, err := client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: &d.Bucket}); err != nil {
			return "", explainBucket(err, d.Bucket, to)
		}
		found, err := client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &d.Bucket})
		switch {
		case errs.IsTemporary(err):
			return "", err
		case err != nil || found.ServerSideEncryptionConfiguration == nil:
			return "", nil // none is set, or the role may not read it: the bucket's default applies anyway
		}
		return ruleOf(found.ServerSideEncryptionConfiguration.Rules), nil
	})
}

func ruleOf(rules []types.ServerSideEncryptionRule) string {
	if len(rules) == 0 || rules[0].ApplyServerSideEncryptionByDefault == nil {
		return ""
	}
	rule := rules[0].ApplyServerSideEncryptionByDefault
	switch rule.SSEAlgorithm {
	case types.ServerSideEncryptionAes256:
		return "AES256"
	case types.ServerSideEncryptionAwsKms:
		if key := aws.ToString(rule.KMSMasterKeyID); key != "" {
			return "aws:kms " + key
		}
		return "aws:kms"
	}
	return ""
}

// NoDestinationError is the error for a missing bucket or repository.
type NoDestinationError struct {
	Kind string // "bucket" or "ECR repository"
	Name string
}

func (e *NoDestinationError) Error() string { return "there is no " + e.Kind + " " + e.Name }

// ofBootstrap matches the names of the bootstrap's buckets and repositories.
var ofBootstrap = regexp.MustCompile(`^cdk-[a-z0-9]+-(container-)?assets-\d{12}-`)

// OfBootstrap reports whether the CDK's bootstrap creates what is missing.
func (e *NoDestinationError) OfBootstrap() bool { return ofBootstrap.MatchString(e.Name) }

// creationHint returns the hint for a missing bucket or repository: bootstrap the
// account if the bootstrap creates it.
func creationHint(name, what, property, account, region string) string {
	if ofBootstrap.MatchString(name) {
		return fmt.Sprintf("bootstrap the account: `cdk bootstrap aws://%s/%s`", account, region)
	}
	return fmt.Sprintf("deploy the stack that creates this %s first, and let this one depend on it; or fix %s of the stack synthesizer", what, property)
}

func explainBucket(err error, bucket string, to Target) error {
	switch errs.Code(err) {
	case "NoSuchBucket":
		return errs.Invalidf("%w: %w", &NoDestinationError{"bucket", bucket}, err).
			WithHint("%s", creationHint(bucket, "bucket", "fileAssetsBucketName", to.Account, to.Region))
	case "AccessDenied", "AllAccessDisabled":
		return errs.Invalidf("no access to bucket %s: %w", bucket, err).
			WithHint("check that it belongs to account %s and that the file publishing role may write to it; a bucket of another account is refused", to.Account)
	}
	return err
}
