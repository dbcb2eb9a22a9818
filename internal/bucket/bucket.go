package bucket

import "context"

// Bucket is an artifact bucket: one of S3, or a directory with the same keys.
type Bucket interface {
	// String returns its location, such as s3://shop-artifacts.
	String() string
	// Prepare fails where nothing can be stored, as far as that can be found out
	// without storing anything.
	Prepare(ctx context.Context) error
	// Get reads a document of at most 64 MiB; one that is not there is fs.ErrNotExist.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put stores a document.
	Put(ctx context.Context, key string, data []byte) error
	// List returns the keys that begin with prefix, in order.
	List(ctx context.Context, prefix string) ([]string, error)
	// Save stores an archive and the document about it, and returns the completed
	// document. The document is stored last, so that it never names what is missing.
	Save(ctx context.Context, p Packed, m Metadata) (Metadata, error)
	// Fetch unpacks the artifact under key into the folder dir, which must be empty
	// or not be there. Nothing is unpacked before the whole archive has been found
	// to have the digest (sha256:<hex>); another digest is an error of kind Failed.
	// After an error dir is empty.
	Fetch(ctx context.Context, key, digest, dir string) error
	// FetchFile reads one file of the artifact under key, verified as by Fetch, and
	// unpacks nothing else. A file that the artifact lacks is fs.ErrNotExist.
	FetchFile(ctx context.Context, key, digest, name string) ([]byte, error)
}
