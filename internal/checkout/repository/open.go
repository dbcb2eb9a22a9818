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

// Unsupported says that a repository is kept in a way that cannot be read, and
// what to do about it.
type Unsupported struct {
	What string // as a sentence without a full stop
	Next string
}

// Error gives what cannot be read.
func (u *Unsupported) Error() string { return u.What }

// NextSHA256 says what to do about a repository with SHA-256 object names.
const NextSHA256 = "use a repository with SHA-1 object names (the default of git and the only kind on GitHub)"

// Storage reads the references and objects of a repository, also those that it
// borrows from others. It is not made for several readers at once.
type Storage struct {
	*filesystem.Storage
	// Objects are the folders of objects, absolute: the repository's own, then
	// those that it borrows from.
	Objects []string
	// Partial says that objects may be missing, as the clone left them out.
	Partial  bool
	borrowed []*filesystem.ObjectStorage
}

// Options bound what reading a repository takes.
type Options struct {
	Cache       int64 // bytes of objects that are kept in memory
	LargeObject int64 // size in bytes from which an object is streamed
}

// Open opens a repository for reading. The error is an *Unsupported for one
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
		Objects: borrowing(filepath.Join(r.Common, "objects")),
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

// files shows a work tree's own files and the shared ones as one folder.
func (r Repository) files() billy.Filesystem {
	if r.Common == r.GitDir {
		return osfs.New(r.GitDir)
	}
	return dotgit.NewRepositoryFilesystem(osfs.New(r.GitDir), osfs.New(r.Common))
}

// maxBorrowed bounds how many repositories one may borrow objects from.
const maxBorrowed = 64

// borrowing gives a folder of objects and all that it borrows from, each once.
// Only folders named objects are looked at, as git makes no others.
func borrowing(folder string) []string {
	folders := []string{folder}
	seen := map[string]bool{folder: true}
	for at := 0; at < len(folders); at++ {
		for _, line := range strings.Split(text(filepath.Join(folders[at], "info", "alternates")), "\n") {
			if line == "" || strings.HasPrefix(line, "#") || len(folders) > maxBorrowed {
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

// EncodedObject gives an object of the repository or of one that it borrows from.
func (s *Storage) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	object, err := s.Storage.EncodedObject(kind, hash)
	for i := 0; i < len(s.borrowed) && errors.Is(err, plumbing.ErrObjectNotFound); i++ {
		object, err = s.borrowed[i].EncodedObject(kind, hash)
	}
	return object, err
}

// HasEncodedObject says with a nil error that an object is there.
func (s *Storage) HasEncodedObject(hash plumbing.Hash) error {
	err := s.Storage.HasEncodedObject(hash)
	for i := 0; i < len(s.borrowed) && errors.Is(err, plumbing.ErrObjectNotFound); i++ {
		err = s.borrowed[i].HasEncodedObject(hash)
	}
	return err
}

// Head gives the commit that is checked out, and the name of its branch; that
// is "HEAD" where a commit is checked out and no branch.
func (s *Storage) Head() (branch string, commit plumbing.Hash, err error) {
	head, err := storer.ResolveReference(s, plumbing.HEAD)
	if err != nil {
		return "", plumbing.ZeroHash, err
	}
	return head.Name().Short(), head.Hash(), nil
}

// Tag is a tag and what it names, which may be an object that tells about it.
type Tag struct {
	Name string // in full: refs/tags/…
	Hash plumbing.Hash
}

// String gives the tag as git's file of packed references has it.
func (t Tag) String() string { return t.Hash.String() + " " + t.Name }

// maxTags bounds how many tags are looked at.
const maxTags = 100_000

// Tags lists the tags whose objects are there.
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
