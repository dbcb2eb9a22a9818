package bucket

import (
	"context"
	"io"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
)

// Change returns the new content of a document.
type Change func(before []byte) (after []byte, err error)

// Bucket is an artifact bucket: in S3, or a directory with the same keys.
type Bucket interface {
	// String returns its location, such as s3://shop-artifacts.
	String() string
	// Prepare fails if nothing can be stored, as far as it can check without storing
	// anything.
	Prepare(ctx context.Context) error
	// Get reads a document of at most 64 MiB; the error for a missing one is fs.ErrNotExist.
	Get(ctx context.Context, key string) ([]byte, error)
	// Put stores a document, or replaces it. It is for documents that every run of a
	// commit writes anew.
	Put(ctx context.Context, key string, data []byte) error
	// Create stores a document that does not exist; the error for one that does is
	// fs.ErrExist.
	Create(ctx context.Context, key string, data []byte) error
	// Update stores what change returns for the document as it is, which is nil if there
	// is none. If somebody else changes the document meanwhile, it calls change again.
	// An error of change, and nil, leave the document as it is.
	Update(ctx context.Context, key string, change Change) error
	// List returns the keys that begin with prefix, in order.
	List(ctx context.Context, prefix string) ([]string, error)
	// Save stores an archive and its metadata, and returns the completed metadata. It
	// stores the metadata last, so that it never refers to a missing archive.
	Save(ctx context.Context, p Packed, m Metadata) (Metadata, error)
	// Fetch unpacks what is selected of the artifact under key into the folder dir, which
	// must be empty or not exist. It verifies the digest (sha256:<hex>) of the whole archive
	// first; the error for another digest has kind Failed. After an error dir is empty.
	// Cloud assemblies in it are unpacked with all that they contain, whatever is selected.
	Fetch(ctx context.Context, key, digest, dir string, what command.Selection) error
	// FetchTar is Fetch that also writes the whole artifact to w: as a tar that is not
	// compressed, for somebody else to unpack. Without dir it unpacks nothing here.
	FetchTar(ctx context.Context, key, digest, dir string, what command.Selection, w io.Writer) error
	// FetchFile reads one file of the artifact under key, verified like Fetch, without
	// unpacking the others. The error for a missing file is fs.ErrNotExist.
	FetchFile(ctx context.Context, key, digest, name string) ([]byte, error)
	// SaveCache stores the folders that a build of a branch leaves for later builds, under the
	// key of the cache.
	SaveCache(ctx context.Context, branch string, c Cache, p Packed) error
	// FetchCache writes one folder of the cache under key, verified like Fetch, to w: as a tar.
	FetchCache(ctx context.Context, key, folder string, w io.Writer) (archive.Contents, error)
	// Release removes what Fetch, FetchTar, FetchFile and FetchCache keep on the disk for the next call.
	// None may be in progress.
	Release()
}
