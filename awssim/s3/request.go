package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// request is one S3 call on its way through the handlers.
type request struct {
	*wire.Call
	store  *Store
	answer *wire.Answer
	header http.Header // of the request
	query  url.Values
	body   wire.Stream
	bucket string
	key    string
}

const (
	maxDocument = 2 << 20 // bytes of an XML or JSON body
	maxKey      = 1024    // bytes
)

// splitPath parts a path-style URL into bucket and key.
func splitPath(path string) (bucket, key string) {
	bucket, key, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return bucket, key
}

// Service is S3 over the store.
func (s *Store) Service() wire.Service {
	handlers := map[string]wire.Handler{}
	for name, operation := range operations {
		handlers[name] = func(_ context.Context, call *wire.Call) (any, error) { return s.run(call, operation) }
	}
	return wire.Service{Name: "s3", Protocol: wire.RestXML, OperationOf: operationOf, Operations: handlers}
}

func (s *Store) run(call *wire.Call, operation operation) (*wire.Answer, error) {
	rq := &request{
		Call: call, store: s, answer: &wire.Answer{Header: http.Header{}}, header: call.HTTP.Header, query: call.HTTP.URL.Query(),
		body: call.Stream,
	}
	rq.bucket, rq.key = splitPath(call.HTTP.URL.Path)
	if len(rq.key) > maxKey {
		return nil, wire.Errorf("KeyTooLongError", "Your key is too long")
	}
	if err := rq.checkInputs(); err != nil {
		return nil, err
	}
	if err := rq.authorize(operation); err != nil {
		return nil, err
	}
	return rq.answer, operation.run(rq)
}

// authorize checks that the bucket exists, is in the signed region, belongs to
// the expected owner, and that the caller may do the operation.
func (rq *request) authorize(operation operation) error {
	if rq.bucket == "" || rq.Operation == "CreateBucket" {
		return rq.permitOn(Bucket{Account: rq.Caller.Account}, operation.action(rq), rq.resource())
	}
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	if bucket.Region != rq.Region && rq.Operation != "GetBucketLocation" {
		return elsewhere(bucket)
	}
	if owner := rq.header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != bucket.Account {
		return wire.Commonf(wire.AccessDenied, "Access Denied: the bucket is not owned by account %s", owner)
	}
	if err := rq.permitOn(bucket, operation.action(rq), rq.resource()); err != nil || creations[rq.Operation] != "true" || rq.header.Get("If-Match") == "" {
		return err
	}
	// A write with the condition that an object is unchanged compares it with one that its
	// caller could read (S3 User Guide, "How to prevent object overwrites with conditional writes").
	return rq.permitOn(bucket, "s3:GetObject", rq.resource())
}

// elsewhere is the answer to a call signed for another region than the bucket's.
func elsewhere(bucket Bucket) error {
	return wire.Errorf("PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.").
		WithStatus(http.StatusMovedPermanently).WithHeader("x-amz-bucket-region", bucket.Region).
		WithField("Endpoint", "s3."+bucket.Region+"."+wire.Suffix(bucket.Region)).WithField("Bucket", bucket.Name)
}

func (rq *request) resource() string {
	switch {
	case rq.bucket == "":
		return "*"
	case rq.key == "":
		return bucketARN(rq.Region, rq.bucket)
	}
	return bucketARN(rq.Region, rq.bucket) + "/" + rq.key
}

func bucketARN(region, bucket string) string {
	return "arn:" + wire.Partition(region) + ":s3:::" + bucket
}

// permit asks for an action on a resource of the request's bucket.
func (rq *request) permit(action, resource string) error {
	bucket, err := rq.store.Bucket(rq.bucket)
	if err != nil {
		return err
	}
	return rq.permitOn(bucket, action, resource)
}

// permitOn asks for an action on a resource of any bucket.
func (rq *request) permitOn(bucket Bucket, action, resource string) error {
	q, err := question(bucket, action, resource)
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"s3:prefix": rq.query.Get("prefix"), "s3:delimiter": rq.query.Get("delimiter"), "s3:max-keys": rq.query.Get("max-keys"),
		"s3:VersionId": rq.query.Get("versionId"), "s3:x-amz-acl": rq.header.Get("X-Amz-Acl"),
		"s3:x-amz-server-side-encryption":                rq.header.Get("X-Amz-Server-Side-Encryption"),
		"s3:x-amz-server-side-encryption-aws-kms-key-id": rq.header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"),
		"s3:x-amz-content-sha256":                        rq.header.Get("X-Amz-Content-Sha256"),
		"s3:if-none-match":                               rq.header.Get("If-None-Match"),
		"s3:if-match":                                    rq.header.Get("If-Match"),
		"s3:ObjectCreationOperation":                     creations[rq.Operation],
	} {
		if value != "" {
			q.Keys[name] = []string{value}
		}
	}
	return rq.Guard(q)
}

// creations says whether an operation that needs s3:PutObject makes an object, or a part of
// one (S3 User Guide, "Enforce conditional writes on Amazon S3 buckets").
var creations = map[string]string{
	"PutObject": "true", "CopyObject": "true", "CompleteMultipartUpload": "true",
	"CreateMultipartUpload": "false", "UploadPart": "false", "UploadPartCopy": "false",
}

// missing hides from a caller who may not list the bucket that a key is missing.
func (rq *request) missing(err error) error {
	var e *wire.Error
	if errors.As(err, &e) && e.Code == "NoSuchKey" && rq.permit("s3:ListBucket", bucketARN(rq.Region, rq.bucket)) != nil {
		return wire.Commonf(wire.AccessDenied, "Access Denied")
	}
	return err
}

// document reads a small body to its end, with its checksums checked.
func (rq *request) document() ([]byte, error) {
	check := newSums(algorithmOf(rq.header))
	text, err := io.ReadAll(io.TeeReader(io.LimitReader(rq.body, maxDocument+1), check))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, wire.Errorf("MaxMessageLengthExceeded", "Your request was too big.")
	}
	return text, check.check(rq.header, rq.body.Trailer)
}

// xmlDocument reads an XML body.
func (rq *request) xmlDocument(into any) error {
	text, err := rq.document()
	if err != nil {
		return err
	}
	if xml.Unmarshal(text, into) != nil {
		return malformedXML()
	}
	return nil
}

// reply answers with an XML document.
func (rq *request) reply(document any) error {
	rq.answer.Document = document
	return nil
}

// text answers with a body that is written as it is.
func (rq *request) text(contentType, body string) error {
	rq.answer.Header.Set("Content-Type", contentType)
	rq.answer.Text = body
	return nil
}

// done answers without a body.
func (rq *request) done(status int) error {
	rq.answer.Status = status
	return nil
}

const isoMillis = "2006-01-02T15:04:05.000Z"

func iso(t time.Time) string { return t.UTC().Format(isoMillis) }
