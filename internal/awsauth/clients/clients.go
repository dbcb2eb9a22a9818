// Package clients makes what the programs work with in AWS: the artifact bucket
// and the way into an environment's account. It is called by main functions only;
// everything below takes what it is given.
package clients

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Bucket opens the artifact bucket of a stage from its flags: the bucket of a
// name, or the directory in its place, or none (nil) where both are empty.
func Bucket(ctx context.Context, name, directory string) (bucket.Bucket, error) {
	switch {
	case directory != "":
		return bucket.OpenDirectory(directory), nil
	case name != "":
		return NamedBucket(ctx, name)
	}
	return nil, nil
}

// NamedBucket opens a bucket of S3 with the SDK's default credentials and region.
func NamedBucket(ctx context.Context, name string) (bucket.Bucket, error) {
	base, err := awsauth.Load(ctx, "")
	if err != nil {
		return nil, err
	}
	return bucket.OpenS3(s3.NewFromConfig(base, func(o *s3.Options) {
		// A part of an object has no checksum; the digest of the whole is compared by the bucket.
		o.DisableLogOutputChecksumValidationSkipped = true
	}), name), nil
}

// Assume assumes access to an account from the SDK's default credentials.
func Assume(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error) {
	base, err := awsauth.Load(ctx, to.Region)
	if err != nil {
		return nil, err
	}
	return awsauth.Assume(ctx, base, to, log)
}

// AssumeEnvironment assumes access to the account of an environment for a commit, in the run of frame.
func AssumeEnvironment(ctx context.Context, frame stage.Frame, env config.Environment, commit string) (*awsauth.Access, error) {
	return Assume(ctx, frame.Log, awsauth.Target{
		Account: env.Account, Region: env.Region, RoleARN: env.RoleARN, ExternalID: env.ExternalID,
		Environment: env.Name, Commit: commit, Run: frame.Workflow,
	})
}
