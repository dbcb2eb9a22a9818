package bucket

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// Upload stores an archive and the document about it, and gives the completed
// document. An archive that is there already is not sent again: its name is its
// digest. The document is stored last, so that it never names what is missing.
func (s *Store) Upload(ctx context.Context, bucket string, p Packed, m Metadata) (Metadata, error) {
	m = m.of(p)
	there, err := s.holds(ctx, bucket, m.Key, m.Size)
	if err != nil {
		return m, err
	}
	if !there {
		err := s.upload(ctx, &transfermanager.UploadObjectInput{
			Bucket: &bucket, Key: &m.Key, ContentType: aws.String(contentType(m.Key)),
			Metadata: m.labels(), Tagging: aws.String(m.tags()),
		}, p.File)
		if isCompleted(err) {
			there, _ = s.holds(ctx, bucket, m.Key, m.Size) // without an answer the error stays
		}
		if err != nil && !there {
			return m, err
		}
	}
	document, err := m.encode()
	if err != nil {
		return m, err
	}
	return m, s.Put(ctx, bucket, MetadataKey(m.Commit), document)
}

// isCompleted says whether an upload in parts is gone. When only the answer to
// its completion was lost, that is what the next attempt hears.
func isCompleted(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload"
}

// holds looks for an object of that size. It lists: to ask for the object
// itself would be "access denied" for one that is not there, where the role
// may not list.
func (s *Store) holds(ctx context.Context, bucket, key string, size int64) (bool, error) {
	page, err := s.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &key, MaxKeys: aws.Int32(1)})
	if err != nil {
		return false, explain(err, "looking for", bucket, key)
	}
	for _, object := range page.Contents {
		if aws.ToString(object.Key) == key && aws.ToInt64(object.Size) == size {
			return true, nil
		}
	}
	return false, nil
}
