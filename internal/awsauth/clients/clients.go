// Package clients makes the AWS clients that several programs share: the artifact bucket
// and the access to an environment's account. Only main functions call it; everything
// else takes clients as arguments.
package clients

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remote"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Bucket opens the artifact bucket that the flags of a stage name: a bucket of S3, a
// directory in its place, or none (nil) if both are empty.
func Bucket(ctx context.Context, name, directory string) (bucket.Bucket, error) {
	switch {
	case directory != "":
		return bucket.OpenDirectory(directory), nil
	case name != "":
		return NamedBucket(ctx, name)
	}
	return nil, nil
}

// OpenRunner returns the runner of the repository's commands, and a function to call when
// nothing more is run: the server of the pod, or else the given runner of processes. It
// first reads the settings of AWS SDKs in the home folder, for all clients of this
// process: the commands may write to that folder.
func OpenRunner(ctx context.Context, frame stage.Frame, processes command.Runner) (command.Runner, func(), error) {
	_, _ = awsauth.Load(ctx, "") // an error is that of the first client
	return remote.Open(ctx, frame.Commands.Address, frame.Commands.Secret, processes)
}

// OwnerOf returns the owner of the artifact bucket: the account of the pipeline's own credentials.
func OwnerOf(base aws.Config) bucket.Owner {
	return bucket.OnceKnown(func(ctx context.Context) (string, error) { return awsauth.AccountOf(ctx, base) })
}

// NamedBucket opens an S3 bucket with the SDK's default credentials and region.
func NamedBucket(ctx context.Context, name string) (bucket.Bucket, error) {
	return BucketIn(ctx, "", name)
}

// BucketIn opens an S3 bucket of a region with the SDK's default credentials; "" is the
// SDK's default region.
func BucketIn(ctx context.Context, region, name string) (bucket.Bucket, error) {
	base, err := awsauth.Load(ctx, region)
	if err != nil {
		return nil, err
	}
	return bucket.OpenS3(bucket.NewClient(base, OwnerOf(base), func(o *s3.Options) {
		// Parts of an object have no checksum; the bucket compares the digest of the whole.
		o.DisableLogOutputChecksumValidationSkipped = true
	}), name), nil
}

// TemplateUploader returns a function that publishes a template of the pipeline's own stack in
// the artifact bucket, named by its digest, and returns the URL that CloudFormation reads.
func TemplateUploader(base aws.Config, owner bucket.Owner, name string) func(context.Context, []byte) (string, error) {
	return func(ctx context.Context, template []byte) (string, error) {
		sum := sha256.Sum256(template)
		key := bucket.TemplateKey(hex.EncodeToString(sum[:]))
		err := bucket.OpenS3(bucket.NewClient(base, owner), name).Create(ctx, key, template)
		if err != nil && !errors.Is(err, fs.ErrExist) { // one that exists was published before
			return "", err
		}
		return cfn.TemplateURL(ctx, base, "s3://"+name+"/"+key)
	}
}

// Assume gets access to an account from the SDK's default credentials.
func Assume(ctx context.Context, log *slog.Logger, to awsauth.Target) (*awsauth.Access, error) {
	base, err := awsauth.Load(ctx, to.Region)
	if err != nil {
		return nil, err
	}
	return awsauth.Assume(ctx, base, to, log)
}

// AssumeEnvironment gets access to the account of an environment for a commit, in the run of frame.
func AssumeEnvironment(ctx context.Context, frame stage.Frame, env config.Environment, commit string) (*awsauth.Access, error) {
	return Assume(ctx, frame.Log, awsauth.Target{
		Account: env.Account, Region: env.Region, RoleARN: env.RoleARN, ExternalID: env.ExternalID, CommandRoleARN: env.CommandRoleARN, Qualifier: env.Qualifiers()[0],
		Environment: env.Name, Commit: commit, Run: frame.Workflow,
	})
}

// ServeBuild serves the credentials of a role to build commands of a commit, in the run of frame.
func ServeBuild(ctx context.Context, frame stage.Frame, role, commit string) (*awsauth.CredentialServer, error) {
	base, err := awsauth.Load(ctx, "")
	if err != nil {
		return nil, err
	}
	issued, err := awsauth.ServeBuild(ctx, base, role, commit, frame.Workflow, frame.Redactor.Add)
	if err == nil {
		frame.Log.Info("build commands get credentials", "identity", issued.Identity())
	}
	return issued, err
}
