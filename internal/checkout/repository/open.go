package repository

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// Unsupported reports that a repository has a format that is not supported, and what to
// do about it.
type Unsupported struct {
	What string // as a sentence without a full stop
	Next string
}

// Error returns u.What.
func (u *Unsupported) Error() string { return u.What }

// NextSHA256 is the hint for a repository with SHA-256 object names.
const NextSHA256 = "use a repository with SHA-1 object names (the default of git and the only kind on GitHub)"

// Storage reads the references and objects of a repository and of its alternates. It is
// not safe for concurrent use.
type Storage struct {
	*filesystem.Storage
	// Objects are the folders of objects, absolute: the repository's, then
	// those of its alternates.
	Objects []string
	// Partial reports that objects may be missing, because the clone is partial.
	Partial  bool
	borrowed []*filesystem.ObjectStorage
}

// Options limit the memory for reading a repository.
type Options struct {
	Cache       int64 // bytes of objects that are kept in memory
	LargeObject int64 // size in bytes from which an object is streamed
}

// Open opens a repository for reading. The error is an *Unsupported for a repository
// with SHA-256 object names or with its references in a reftable.
func (r Repository) Open(o Options) (*Storage, error) {
	if _, err := os.Stat(filepath.Join(r.Common, "objects")); err != nil {
		return nil, fmt.Errorf("%q: %w: %w", r.Top, ErrNone, err)
	}
	settings, err := r.Settings()
	if err != nil {
		return nil, err
	}
	extension := func(name string) string { return strings.ToLower(settings.Raw.Section("extensions").Option(name)) }
	switch {
	case extension("objectFormat") == "sha256":
		return nil, &Unsupported{"the repository " + r.Top + " has SHA-256 object names, which cannot be read", NextSHA256}
	case extension("refStorage") == "reftable":
		return nil, &Unsupported{
			"the repository " + r.Top + " keeps its references in a reftable, which cannot be read",
			"git refs migrate --ref-format=files (git 2.46 or newer) changes that in place",
		}
	}
	objects := cache.NewObjectLRU(cache.FileSize(o.Cache))
	options := filesystem.Options{LargeObjectThreshold: o.LargeObject}
	s := &Storage{
		Storage: filesystem.NewStorageWithOptions(r.files(), objects, options),
		Objects: alternates(filepath.Join(r.Common, "objects")),
		Partial: extension("partialClone") != "",
	}
	for _, remote := range settings.Raw.Section("remote").Subsections {
		s.Partial = s.Partial || remote.Option("promisor") == "true"
	}
	for _, folder := range s.Objects[1:] {
		at := dotgit.New(osfs.New(filepath.Dir(folder)))
		s.borrowed = append(s.borrowed, filesystem.NewObjectStorageWithOptions(at, objects, options))
	}
	return s, nil
}

// files presents the files of a work tree and the shared ones as one folder.
func (r Repository) files() billy.Filesystem {
	if r.Common == r.GitDir {
		return osfs.New(r.GitDir)
	}
	return dotgit.NewRepositoryFilesystem(osfs.New(r.GitDir), osfs.New(r.Common))
}

// maxAlternates is the most repositories that objects are borrowed from.
const maxAlternates = 64

// alternates returns a folder of objects and all of its alternates, each once. Only
// folders named objects are used, as git makes no others.
func alternates(folder string) []string {
	folders := []string{folder}
	seen := map[string]bool{folder: true}
	for at := 0; at < len(folders); at++ {
		for _, line := range strings.Split(text(filepath.Join(folders[at], "info", "alternates")), "\n") {
			if line == "" || strings.HasPrefix(line, "#") || len(folders) > maxAlternates {
				continue
			}
			other := absolute(folders[at], line)
			if filepath.Base(other) == "objects" && !seen[other] {
				seen[other] = true
				folders = append(folders, other)
			}
		}
	}
	return folders
}

// EncodedObject returns an object of the repository or of its alternates.
func (s *Storage) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	object, err := s.Storage.EncodedObject(kind, hash)
	for i := 0; i < len(s.borrowed) && errors.Is(err, plumbing.ErrObjectNotFound); i++ {
		object, err = s.borrowed[i].EncodedObject(kind, hash)
	}
	return object, err
}

// EncodedObjectSize returns the number of bytes of an object.
func (s *Storage) EncodedObjectSize(hash plumbing.Hash) (int64, error) {
	size, err := s.Storage.EncodedObjectSize(hash)
	for _, other := range s.borrowed {
		if !errors.Is(err, plumbing.ErrObjectNotFound) {
			break
		}
		size, err = other.EncodedObjectSize(hash)
	}
	return size, err
}

// HasEncodedObject returns nil if the object exists.
func (s *Storage) HasEncodedObject(hash plumbing.Hash) error {
	err := s.Storage.HasEncodedObject(hash)
	for i := 0; i < len(s.borrowed) && errors.Is(err, plumbing.ErrObjectNotFound); i++ {
		err = s.borrowed[i].HasEncodedObject(hash)
	}
	return err
}

// Head returns the commit that is checked out, and the name of its branch, or "HEAD" if
// HEAD is detached.
func (s *Storage) Head() (branch string, commit plumbing.Hash, err error) {
	head, err := storer.ResolveReference(s, plumbing.HEAD)
	if err != nil {
		return "", plumbing.ZeroHash, err
	}
	return head.Name().Short(), head.Hash(), nil
}

// Tag is a tag and the object that it names, which may be a tag object.
type Tag struct {
	Name string // in full: refs/tags/…
	Hash plumbing.Hash
}

// String returns the tag as a line of git's packed-refs.
func (t Tag) String() string { return t.Hash.String() + " " + t.Name }

// maxTags is the most tags that are read.
const maxTags = 100_000

// Tags returns the tags whose objects exist.
func (s *Storage) Tags() ([]Tag, error) {
	references, err := s.IterReferences()
	if err != nil {
		return nil, err
	}
	defer references.Close()
	var tags []Tag
	err = references.ForEach(func(r *plumbing.Reference) error {
		if r.Name().IsTag() && r.Type() == plumbing.HashReference && s.HasEncodedObject(r.Hash()) == nil && len(tags) < maxTags {
			tags = append(tags, Tag{r.Name().String(), r.Hash()})
		}
		return nil
	})
	return tags, err
}

// Close releases the files of the repository.
func (s *Storage) Close() error {
	errs := []error{s.Storage.Close()}
	for _, storage := range s.borrowed {
		errs = append(errs, storage.Close())
	}
	return errors.Join(errs...)
}
