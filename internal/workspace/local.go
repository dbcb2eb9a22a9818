package workspace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/workspace/gitpack"
)

// largeObject is the size in bytes from which a local object is streamed.
const largeObject = 1 << 20

// localObjects reads a repository on this machine.
type localObjects struct {
	mu      sync.Mutex // the storage is not made for several readers
	storage *filesystem.Storage
	folder  string // where the objects are
}

// openLocal finds the repository at a folder: a working tree, also one made by
// `git worktree`, or a bare repository.
func openLocal(folder string) (*localObjects, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	gitFolder, err := commonDir(folder)
	if err != nil {
		return nil, fault.Invalidf("%q is not a git repository: %w", folder, err).
			WithHint("give the folder that contains .git, or a bare repository")
	}
	storage := filesystem.NewStorageWithOptions(osfs.New(gitFolder), cache.NewObjectLRU(32<<20),
		filesystem.Options{LargeObjectThreshold: largeObject, AlternatesFS: osfs.New("/")})
	return &localObjects{storage: storage, folder: filepath.Join(gitFolder, "objects")}, nil
}

// commonDir gives the folder that holds HEAD and objects.
func commonDir(folder string) (string, error) {
	dotGit := filepath.Join(folder, ".git")
	switch info, err := os.Stat(dotGit); {
	case err != nil:
		return folder, isGitFolder(folder)
	case info.IsDir():
		return dotGit, isGitFolder(dotGit)
	}
	link, err := os.ReadFile(dotGit) // of a worktree: "gitdir: <path>"
	if err != nil {
		return "", err
	}
	gitFolder := resolve(folder, strings.TrimPrefix(strings.TrimSpace(string(link)), "gitdir: "))
	if common, err := os.ReadFile(filepath.Join(gitFolder, "commondir")); err == nil {
		gitFolder = resolve(gitFolder, strings.TrimSpace(string(common)))
	}
	return gitFolder, isGitFolder(gitFolder)
}

func resolve(from, to string) string {
	if filepath.IsAbs(to) {
		return to
	}
	return filepath.Join(from, to)
}

func isGitFolder(folder string) error {
	_, err := os.Stat(filepath.Join(folder, "HEAD"))
	if err == nil {
		_, err = os.Stat(filepath.Join(folder, "objects"))
	}
	return err
}

// Read gives an object of the given kind and of at most limit bytes.
func (l *localObjects) Read(hash plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read(hash, kind, limit)
}

func (l *localObjects) read(hash plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error) {
	object, err := l.object(hash, kind)
	if err != nil {
		return nil, err
	}
	if object.Size() > limit {
		return nil, fmt.Errorf("%s %s has %d bytes, more than the limit of %d", kind, hash, object.Size(), limit)
	}
	reader, err := object.Reader()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	return io.ReadAll(reader)
}

func (l *localObjects) object(hash plumbing.Hash, kind plumbing.ObjectType) (plumbing.EncodedObject, error) {
	object, err := l.storage.EncodedObject(kind, hash)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, fmt.Errorf("%s %s: %w", kind, hash, gitpack.ErrMissing)
	}
	return object, err
}

// Copy writes the content of a blob to w and gives its size.
func (l *localObjects) Copy(w io.Writer, hash plumbing.Hash) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	object, err := l.object(hash, plumbing.BlobObject)
	if err != nil {
		return 0, err
	}
	reader, err := object.Reader()
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	return io.Copy(w, reader)
}

// Close releases the repository's files.
func (l *localObjects) Close() error { return l.storage.Close() }
