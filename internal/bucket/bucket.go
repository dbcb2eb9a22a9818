package bucket

import "context"

// Bucket is an artifact bucket: in S3, or a directory with the same keys.
type Bucket interface {
	// String returns its location, such as s3://shop-artifacts.
	String() string
	// Prepare fails if nothing can be stored, as far as it can check without storing
	// anything.
	Prepare(ctx context.Context) error
	// Get reads a document of at most 64 MiB; the error for a missing one is fs.ErrNotExist.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put stores a document.
	Put(ctx context.Context, key string, data []byte) error
	// List returns the keys that begin with prefix, in order.
	List(ctx context.Context, prefix string) ([]string, error)
	// Save stores an archive and its metadata, and returns the completed metadata. It
	// stores the metadata last, so that it never refers to a missing archive.
	Save(ctx context.Context, p Packed, m Metadata) (Metadata, error)
	// Fetch unpacks the artifact under key into the folder dir, which must be empty
	// or not exist. It verifies the digest (sha256:<hex>) of the whole archive first;
	// the error for another digest has kind Failed. After an error dir is empty.
	Fetch(ctx context.Context, key, digest, dir string) error
	// FetchFile reads one file of the artifact under key, verified like Fetch, without
	// unpacking the others. The error for a missing file is fs.ErrNotExist.
	FetchFile(ctx context.Context, key, digest, name string) ([]byte, error)
}
