package s3

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// Store holds every bucket of the simulated cloud. It is safe for concurrent use.
type Store struct {
	now   func() time.Time
	files *files

	mu      sync.RWMutex
	buckets map[string]*Bucket
}

// Bucket is one bucket. Bucket names are global.
type Bucket struct {
	Name       string
	Account    string
	Region     string
	Created    time.Time
	Versioning string // "", Enabled or Suspended
	Encryption Encryption
	Policy     string
	Tags       map[string]string
	Configs    map[string]string // XML of further configurations by subresource, such as lifecycle
	Objects    map[string][]Version
	Uploads    map[string]*Upload // by upload id
}

// Encryption is how objects are encrypted at rest; the simulator only reports it.
type Encryption struct {
	Algorithm string // AES256, aws:kms or aws:kms:dsse
	KeyID     string `json:",omitempty"`
	BucketKey bool   `json:",omitempty"`
}

// Version is one version of an object, or a delete marker.
type Version struct {
	ID           string // null in a bucket without versioning
	Deleted      bool   // a delete marker
	File         string // below the store's directory
	Size         int64
	ETag         string // without quotes
	Modified     time.Time
	Header       map[string]string // Content-Type, Cache-Control, …
	Meta         map[string]string // user metadata, lower case, without x-amz-meta-
	Tags         map[string]string
	Encryption   Encryption
	Checksums    map[string]string // base64 by algorithm
	ChecksumType string            // FULL_OBJECT or COMPOSITE
	Parts        []int64           // sizes of the parts it was uploaded in
}

// New opens a store over a directory, which is made when it does not exist.
func New(dir string, now func() time.Time) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the objects: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the directory of the objects: %w", err)
	}
	files := &files{root: root}
	if err := files.prepare(); err != nil {
		return nil, err
	}
	return &Store{now: now, files: files, buckets: map[string]*Bucket{}}, nil
}

// Close closes the directory.
func (s *Store) Close() error { return s.files.root.Close() }

// Snapshot returns the metadata of the objects as JSON. Their content is in the
// directory.
func (s *Store) Snapshot() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return json.Marshal(s.buckets)
}

// Restore replaces the store by a snapshot of the same directory.
func (s *Store) Restore(snapshot []byte) error {
	buckets := map[string]*Bucket{}
	if err := json.Unmarshal(snapshot, &buckets); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buckets = buckets
	return nil
}

// Buckets returns the names of an account's buckets, sorted.
func (s *Store) Buckets(account string) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		if s.buckets[name].Account == account {
			names = append(names, name)
		}
	}
	return names
}

// Bucket returns the metadata of a bucket, without its objects.
func (s *Store) Bucket(name string) (Bucket, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bucket, err := s.find(name)
	if err != nil {
		return Bucket{}, err
	}
	described := *bucket
	described.Objects, described.Uploads = nil, nil
	described.Tags, described.Configs = maps.Clone(bucket.Tags), maps.Clone(bucket.Configs)
	return described, nil
}

func (s *Store) find(name string) (*Bucket, error) {
	if bucket := s.buckets[name]; bucket != nil {
		return bucket, nil
	}
	return nil, noSuchBucket(name)
}

// HasObjects reports whether a bucket has objects, or versions of them.
func (s *Store) HasObjects(name string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	bucket := s.buckets[name]
	return bucket != nil && len(bucket.Objects) > 0
}
