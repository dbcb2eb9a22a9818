package s3

import (
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Read returns an object's content if the guard permits it.
func (s *Store) Read(guard func(policy.Question) error, name, key, version string) ([]byte, error) {
	bucket, err := s.Bucket(name)
	if err != nil {
		return nil, err
	}
	action := "s3:GetObject"
	if version != "" {
		action = "s3:GetObjectVersion"
	}
	q, err := question(bucket, action, bucketARN(bucket.Region, name)+"/"+key)
	if err != nil {
		return nil, err
	}
	if err := guard(q); err != nil {
		return nil, err
	}
	_, file, err := s.openLive(name, key, version)
	if err != nil {
		return nil, err
	}
	defer closeFile(file)
	return io.ReadAll(file)
}

// Exists reports whether a bucket has an object of that key.
func (s *Store) Exists(name, key string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bucket, err := s.find(name)
	if err != nil {
		return false
	}
	_, err = bucket.look(key, "")
	return err == nil
}

// Empty removes all objects, versions and uploads of a bucket.
func (s *Store) Empty(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, err := s.find(name)
	if err != nil {
		return err
	}
	if err := s.files.forget(name); err != nil {
		return err
	}
	bucket.Objects, bucket.Uploads = map[string][]Version{}, map[string]*Upload{}
	return nil
}

// question asks for an action on something of a bucket.
func question(bucket Bucket, action, resource string) (policy.Question, error) {
	q := policy.Question{
		Action: action, Resource: resource, Account: bucket.Account, Keys: policy.Keys{"s3:ResourceAccount": {bucket.Account}},
	}
	if bucket.Policy == "" {
		return q, nil
	}
	document, err := policy.Parse(bucket.Policy)
	if err != nil {
		return q, fmt.Errorf("reading the policy of bucket %s: %w", bucket.Name, err)
	}
	q.ResourcePolicy = document
	return q, nil
}

// ARN is a bucket's.
func (b Bucket) ARN() string { return bucketARN(b.Region, b.Name) }

// DomainNames are the bucket's global, regional and dual-stack host names.
func (b Bucket) DomainNames() (global, regional, dual string) {
	suffix := wire.Suffix(b.Region)
	return b.Name + ".s3." + suffix, b.Name + ".s3." + b.Region + "." + suffix, b.Name + ".s3.dualstack." + b.Region + "." + suffix
}
