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

// encryption makes sure once that the bucket is there and gives the encryption
// that it wants: "AES256", "aws:kms", "aws:kms <key>", or "" to leave it to S3.
func (p *Publisher) encryption(ctx context.Context, client *s3.Client, d assembly.FileDestination, to Place) (string, error) {
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

// NoPlaceError says that what assets are published to is not there.
type NoPlaceError struct {
	Kind string // "bucket" or "ECR repository"
	Name string
}

func (e *NoPlaceError) Error() string { return "there is no " + e.Kind + " " + e.Name }

// ofBootstrap is how the CDK's bootstrap names what it makes for assets.
var ofBootstrap = regexp.MustCompile(`^cdk-[a-z0-9]+-(container-)?assets-\d{12}-`)

// howToMake says what to do about a bucket or a repository that is not there.
// Only one that the bootstrap makes is a matter of bootstrapping.
func howToMake(name, what, property, account, region string) string {
	if ofBootstrap.MatchString(name) {
		return fmt.Sprintf("bootstrap the account: `cdk bootstrap aws://%s/%s`", account, region)
	}
	return fmt.Sprintf("deploy the stack that makes this %s first, and let this one depend on it; or correct %s of the stack synthesizer", what, property)
}

func explainBucket(err error, bucket string, to Place) error {
	switch errs.Code(err) {
	case "NoSuchBucket":
		return errs.Invalidf("%w: %w", &NoPlaceError{"bucket", bucket}, err).
			WithHint("%s", howToMake(bucket, "bucket", "fileAssetsBucketName", to.Account, to.Region))
	case "AccessDenied", "AllAccessDisabled":
		return errs.Invalidf("no access to bucket %s: %w", bucket, err).
			WithHint("does it belong to account %s, and may the file publishing role write to it? A bucket of another account is refused", to.Account)
	}
	return err
}
