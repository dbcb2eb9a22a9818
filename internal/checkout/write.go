package checkout

import (
	"context"
	"fmt"
	"os"
	"path"
	"runtime"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/sync/errgroup"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// batch is how many files of a folder one worker writes at once.
const batch = 64

// writer writes the files of a commit: one goroutine walks the folders, several write
// files, since creating files takes most of the time.
type writer struct {
	from   objects
	jobs   chan job
	budget limits.Budget
	taken  *limits.Meter
	links  []link
	done   written

	pointers pointers // paths of files in Git LFS
}

// written is what the writer wrote.
type written struct {
	files      []writtenFile
	submodules []writtenFile
	bytes      int64
	pointers   []string // paths of pointers of Git LFS
}

// job is some files of one folder.
type job struct {
	folder *folder
	files  []treeEntry
}

// link is a symbolic link. Links are made last, so that nothing is written through one.
type link struct {
	path string
	hash plumbing.Hash
}

// folder is an open folder, closed after its last use.
type folder struct {
	root  *os.Root
	path  string
	users atomic.Int32
}

func (f *folder) release() {
	if f.users.Add(-1) == 0 {
		_ = f.root.Close()
	}
}

// writeFiles writes the folder tree to root within the budget. Git stores equal files
// and folders once, so that a small repository can contain billions of files.
func writeFiles(ctx context.Context, from objects, tree plumbing.Hash, root *os.Root, budget limits.Budget, received int64) (written, error) {
	w := &writer{from: from, jobs: make(chan job, 64), budget: budget, taken: budget.Meter(received)}
	if err := w.writeAll(ctx, tree, root); err != nil {
		return written{}, err
	}
	err := w.makeLinks(ctx, root)
	w.done.pointers = w.pointers.paths
	return w.done, err
}

func (w *writer) writeAll(ctx context.Context, tree plumbing.Hash, root *os.Root) error {
	group, ctx := errgroup.WithContext(ctx)
	results := make(chan written)
	workers := runtime.GOMAXPROCS(0) + 2 // some wait for the disk
	for range workers {
		group.Go(func() error { return w.work(ctx, results) })
	}
	group.Go(func() error {
		defer close(w.jobs)
		top := &folder{root: root}
		top.users.Store(2) // the caller closes root
		return w.walk(ctx, top, tree, 0)
	})
	go func() {
		_ = group.Wait()
		close(results)
	}()
	for result := range results {
		w.done.files = append(w.done.files, result.files...)
		w.done.bytes += result.bytes
	}
	return group.Wait()
}

// walk makes the folders below f and distributes their files.
func (w *writer) walk(ctx context.Context, f *folder, tree plumbing.Hash, depth int) error {
	entries, err := readTree(w.from, tree, f.path)
	if err != nil {
		return err
	}
	if err := w.take(entries, depth); err != nil {
		return err
	}
	if err := w.distribute(ctx, f, entries); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.mode != filemode.Dir {
			continue
		}
		if err := w.walkInto(ctx, f, entry, depth); err != nil {
			return err
		}
	}
	return nil
}

// take takes the entries of a folder off the budget before any is written.
func (w *writer) take(entries []treeEntry, depth int) error {
	if depth > w.budget.Depth {
		return fmt.Errorf("%w: more than %d folders inside each other", limits.ErrExceeded, w.budget.Depth)
	}
	if err := w.taken.Entries(len(entries)); err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.mode == filemode.Dir || entry.mode == filemode.Submodule {
			continue
		}
		size, err := w.from.ObjectSize(entry.hash)
		if err != nil {
			return err
		}
		if err := w.taken.Bytes(size); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) walkInto(ctx context.Context, parent *folder, entry treeEntry, depth int) error {
	root, err := makeFolder(parent, entry.name)
	if err != nil {
		return err
	}
	f := &folder{root: root, path: path.Join(parent.path, entry.name)}
	f.users.Add(1)
	defer f.release()
	return w.walk(ctx, f, entry.hash, depth+1)
}

func makeFolder(parent *folder, name string) (*os.Root, error) {
	if err := parent.root.Mkdir(name, 0o755); err != nil {
		return nil, errs.Writing(parent.root.Name(), err)
	}
	root, err := parent.root.OpenRoot(name)
	if err != nil {
		return nil, errs.Writing(parent.root.Name(), err)
	}
	return root, nil
}

// distribute sends the files of f to the workers, and keeps links for later.
func (w *writer) distribute(ctx context.Context, f *folder, entries []treeEntry) error {
	var files []treeEntry
	for _, entry := range entries {
		switch entry.mode {
		case filemode.Dir:
		case filemode.Symlink:
			w.links = append(w.links, link{path.Join(f.path, entry.name), entry.hash})
		case filemode.Submodule:
			if err := w.submodule(f, entry); err != nil {
				return err
			}
		default:
			files = append(files, entry)
		}
	}
	for len(files) > 0 {
		n := min(batch, len(files))
		if err := w.send(ctx, job{f, files[:n]}); err != nil {
			return err
		}
		files = files[n:]
	}
	return nil
}

// submodule makes an empty folder for a submodule, as git does.
func (w *writer) submodule(f *folder, entry treeEntry) error {
	w.done.submodules = append(w.done.submodules, writtenFile{path: path.Join(f.path, entry.name), mode: entry.mode, hash: entry.hash})
	root, err := makeFolder(f, entry.name)
	if err != nil {
		return err
	}
	return root.Close()
}

func (w *writer) send(ctx context.Context, j job) error {
	j.folder.users.Add(1)
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		j.folder.release()
		return ctx.Err()
	}
}
