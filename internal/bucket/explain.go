package bucket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

var errSlow = errors.New("the bucket answers too slowly")

// cause replaces the error of a context with the cause of its end.
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); err != nil && reason != nil {
		if errors.Is(reason, errSlow) {
			return errs.Temporaryf("%w", errSlow)
		}
		return reason
	}
	return err
}

// missing is an error of S3 that is fs.ErrNotExist.
type missing struct{ error }

func (m missing) Unwrap() error { return m.error }

func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// present is an error of S3 that is fs.ErrExist: an object has not the state that a
// condition of its write names.
type present struct{ error }

func (p present) Unwrap() error { return p.error }

func (present) Is(target error) bool { return target == fs.ErrExist }

// explain adds the location and a hint to the error of a call.
func explain(err error, doing, bucket, key string) error {
	if err == nil {
		return nil
	}
	where := fmt.Sprintf("%s s3://%s/%s", doing, bucket, key)
	switch errs.Code(err) {
	case "NoSuchBucket":
		return errs.Invalidf("%s: no such bucket: %w", where, err).
			WithHint("deploy the pipeline's AWS stack first, or pass the name of its artifact bucket")
	case "NoSuchKey", "NotFound":
		return errs.Failedf("%s: no such object: %w", where, missing{err}).
			WithHint("check that the build stage ran for this commit with the same bucket")
	case "PreconditionFailed":
		return errs.Failedf("%s: it exists, or was changed meanwhile: %w", where, present{err}).
			WithHint("nothing was overwritten; if no other run wrote it, run the step again")
	case "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch":
		return errs.Invalidf("%s: access denied: %w", where, err).
			WithHint("pass the bucket of this pipeline, or install the permissions of this version: generator bootstrap")
	}
	return fmt.Errorf("%s: %w", where, err)
}
