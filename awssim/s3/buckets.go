package s3

import (
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// The states of a bucket's versioning.
const (
	Enabled   = "Enabled"
	Suspended = "Suspended"
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Create adds a bucket.
func (s *Store) Create(bucket Bucket) error {
	if !bucketName.MatchString(bucket.Name) || strings.Contains(bucket.Name, "..") || net.ParseIP(bucket.Name) != nil {
		return wire.Errorf("InvalidBucketName", "The specified bucket is not valid.").WithField("BucketName", bucket.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.buckets[bucket.Name]; old != nil {
		return taken(old, bucket)
	}
	bucket.Created = s.now().UTC().Truncate(time.Second)
	if bucket.Encryption.Algorithm == "" {
		bucket.Encryption.Algorithm = "AES256"
	}
	if bucket.Tags == nil {
		bucket.Tags = map[string]string{}
	}
	if bucket.Configs == nil {
		bucket.Configs = map[string]string{}
	}
	bucket.Objects, bucket.Uploads = map[string][]Version{}, map[string]*Upload{}
	s.buckets[bucket.Name] = &bucket
	return nil
}

// taken is the answer to a name that exists. In us-east-1 one's own bucket is
// made again without an error.
func taken(old *Bucket, wanted Bucket) error {
	switch {
	case old.Account != wanted.Account:
		return wire.Errorf("BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.").
			WithStatus(http.StatusConflict).WithField("BucketName", wanted.Name)
	case old.Region == "us-east-1" && wanted.Region == "us-east-1":
		return errAgain
	}
	return wire.Errorf("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.").
		WithStatus(http.StatusConflict).WithField("BucketName", wanted.Name)
}

// errAgain is Create on a bucket that is there already, where S3 allows that.
var errAgain = errors.New("the bucket exists and is yours")

// Change lets change edit the metadata of a bucket: versioning, encryption,
// policy, tags and configurations.
func (s *Store) Change(name string, change func(*Bucket) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, err := s.find(name)
	if err != nil {
		return err
	}
	return change(bucket)
}

// SetPolicy checks and stores a bucket policy; an empty one removes it.
func (b *Bucket) SetPolicy(text string) error {
	if text == "" {
		b.Policy = ""
		return nil
	}
	document, err := policy.Parse(text)
	if err != nil {
		return wire.Errorf("MalformedPolicy", "%s", err)
	}
	for _, statement := range document.Statements {
		if statement.Principals == nil && statement.Not == nil {
			return wire.Errorf("MalformedPolicy", "Missing required field Principal")
		}
		if !b.speaksOf(statement) {
			return wire.Errorf("MalformedPolicy", "Policy has invalid resource")
		}
	}
	b.Policy = text
	return nil
}

func (b *Bucket) speaksOf(statement policy.Statement) bool {
	for _, resource := range append(append([]string{}, statement.Resources...), statement.NotResources...) {
		if parsed, err := arn.Parse(resource); err == nil {
			resource = parsed.Resource
		}
		name, _, _ := strings.Cut(resource, "/")
		if !policy.Like(b.Name, name) {
			return false
		}
	}
	return true
}

// Delete removes an empty bucket.
func (s *Store) Delete(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, err := s.find(name)
	if err != nil {
		return err
	}
	if len(bucket.Objects) > 0 {
		return wire.Errorf("BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.").
			WithStatus(http.StatusConflict).WithField("BucketName", name)
	}
	if err := s.files.forget(name); err != nil {
		return err
	}
	delete(s.buckets, name)
	return nil
}
