package checkout

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// attempts is the number of attempts at a checkout when the server or the network fails.
const attempts = 3

// CheckOut writes the files of one commit to o.Dir; FetchParts adds its submodules and files in Git LFS. It fetches only that commit if the
// server allows it, else all branches and tags. A failure that may be temporary is tried
// three times. A failed checkout leaves no folder behind. Errors are of kind Invalid for
// an unusable input, repository or commit, and Temporary for a server that does not respond.
func CheckOut(ctx context.Context, o Options) (Checkout, error) {
	o = o.withDefaults()
	began := time.Now()
	if err := errors.Join(CheckCommit(o.Commit), checkSupported(o.Commit)); err != nil {
		return Checkout{}, err
	}
	a, err := parseAddress(o)
	if err != nil {
		return Checkout{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Limit, errLate)
	defer cancel()
	done, err := withRetries(ctx, o, a)
	done.Duration = time.Since(began)
	return done, err
}

// withRetries retries a checkout after temporary errors.
func withRetries(ctx context.Context, o Options, a address) (Checkout, error) {
	for try, pause := 1, o.retryPause; ; try, pause = try+1, pause*3 {
		done, err := checkOutInto(ctx, o, a)
		if err == nil {
			return done, nil
		}
		err = explain(ctx, err, o)
		if try == attempts || ctx.Err() != nil || errs.KindOf(err) != errs.Temporary {
			return Checkout{}, err
		}
		fmt.Fprintf(o.Progress, "%s: trying again in %s\n", err, pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func checkOutInto(ctx context.Context, o Options, a address) (Checkout, error) {
	stage, err := newStaging(o.Dir)
	if err != nil {
		return Checkout{}, err
	}
	defer stage.remove()
	var done Checkout
	if a.local != "" {
		done, err = checkOutLocal(ctx, o, a, stage.path)
	} else {
		done, err = checkOutRemote(ctx, o, a, stage.path)
	}
	if err != nil {
		return Checkout{}, err
	}
	done.Dir, done.Commit = o.Dir, o.Commit
	return done, stage.publish()
}

func checkOutRemote(ctx context.Context, o Options, a address, dir string) (Checkout, error) {
	git, err := makeGitDir(dir)
	if err != nil {
		return Checkout{}, err
	}
	file, err := os.CreateTemp(filepath.Dir(git.pack("x")), "incoming-")
	if err != nil {
		return Checkout{}, errs.Writing(dir, err)
	}
	defer file.Close()
	commit := plumbing.NewHash(o.Commit)
	fmt.Fprintf(o.Progress, "fetching %s (branch %q) of %s\n", o.Commit, o.Branch, a.url)
	got, err := fetch(ctx, o, a, commit, file, git.path)
	if err != nil {
		return Checkout{}, err
	}
	done, files, err := unpack(ctx, o, got.pack, got.pack.Size(), dir)
	if err != nil {
		return Checkout{}, err
	}
	if err := git.keepPack(file.Name(), got); err != nil {
		return Checkout{}, err
	}
	done.Received, done.Shallow = got.pack.Size(), len(got.shallows) > 0
	return done, git.finish(commit, a.url.String(), files)
}

func checkOutLocal(ctx context.Context, o Options, a address, dir string) (Checkout, error) {
	from, err := openLocal(a.local)
	if err != nil {
		return Checkout{}, err
	}
	defer from.Close()
	git, err := makeGitDir(dir)
	if err != nil {
		return Checkout{}, err
	}
	commit := plumbing.NewHash(o.Commit)
	done, files, err := unpack(ctx, o, from, math.MaxInt64, dir)
	if err != nil {
		return Checkout{}, err
	}
	if err := git.borrow(from); err != nil {
		return Checkout{}, err
	}
	return done, git.finish(commit, from.top, files)
}

// unpack writes the files of the commit to dir. The bytes received limit how many they may be.
func unpack(ctx context.Context, o Options, from objects, received int64, dir string) (Checkout, []writtenFile, error) {
	tree, err := treeOf(from, plumbing.NewHash(o.Commit))
	if err != nil {
		return Checkout{}, nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Checkout{}, nil, errs.Writing(dir, err)
	}
	defer root.Close()
	done, err := writeFiles(ctx, from, tree, root, o.Budget, received)
	if err != nil {
		return Checkout{}, nil, err
	}
	found := Checkout{Files: len(done.files), Bytes: done.bytes, Pointers: slices.Sorted(slices.Values(done.pointers))}
	for _, submodule := range done.submodules {
		found.Submodules = append(found.Submodules, Submodule{submodule.path, submodule.hash.String()})
	}
	return found, append(done.files, done.submodules...), nil
}
