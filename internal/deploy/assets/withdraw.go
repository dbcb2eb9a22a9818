package assets

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
)

// uploaded is a file that this publisher created.
type uploaded struct {
	client  *s3.Client
	to      assembly.FileDestination
	version string // "" if the bucket is not versioned, or the response was lost
}

// Withdraw removes the files that this publisher uploaded, and no versions of
// other publishers.
func (p *Publisher) Withdraw(ctx context.Context) error {
	p.mu.Lock()
	all := p.uploads
	p.uploads = nil
	p.mu.Unlock()
	var failed []error
	for _, file := range all {
		if err := file.remove(ctx); err != nil {
			failed = append(failed, fmt.Errorf("removing s3://%s/%s: %w", file.to.Bucket, file.to.Key, err))
		}
	}
	return errors.Join(failed...)
}

func (u uploaded) remove(ctx context.Context) error {
	if u.version == "" {
		there, err := objectExists(ctx, u.client, u.to.Bucket, u.to.Key)
		if err != nil || !there {
			return err
		}
		found, err := u.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &u.to.Bucket, Key: &u.to.Key})
		if err != nil {
			return err
		}
		u.version = aws.ToString(found.VersionId)
	}
	input := &s3.DeleteObjectInput{Bucket: &u.to.Bucket, Key: &u.to.Key}
	if u.version != "" {
		input.VersionId = &u.version
	}
	_, err := u.client.DeleteObject(ctx, input)
	return err
}
