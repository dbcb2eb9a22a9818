package buildkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/aphex/aphex-pipeline/internal/deploy/assets"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// folder is a folder of a build, as BuildKit gets it: regular files, folders and links, all of
// root, as docker sends them. Links are sent as they are. None is followed out of the folder,
// also if a file becomes a link meanwhile.
type folder struct {
	root    *os.Root
	read    *limits.Meter
	entries int
}

// Walk walks a part of the folder in lexical order. Each walk may meet as many entries as a
// whole folder may have.
func (f folder) Walk(ctx context.Context, target string, fn fs.WalkDirFunc) error {
	met := limits.Budget{Entries: f.entries}.Meter(0)
	visit := func(name string, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		at := filepath.FromSlash(name)
		if over := met.Entries(1); err == nil && over != nil {
			return over
		}
		if err != nil {
			return fn(at, nil, err)
		}
		stat, err := f.stat(at)
		if err != nil || stat == nil {
			return err
		}
		return fn(at, &fsutil.DirEntryInfo{Stat: stat}, nil)
	}
	top := nameIn(target)
	if info, err := f.root.Lstat(filepath.FromSlash(top)); err != nil || !info.IsDir() { // a walk would follow a link
		if err = visit(top, err); errors.Is(err, fs.SkipDir) || errors.Is(err, fs.SkipAll) {
			return nil
		}
		return err
	}
	return fs.WalkDir(f.root.FS(), top, func(name string, _ fs.DirEntry, err error) error {
		if name == "." && err == nil {
			return nil
		}
		return visit(name, err)
	})
}

// stat describes an entry; nil is one that is not sent: a device, a pipe or a socket.
func (f folder) stat(name string) (*types.Stat, error) {
	info, err := f.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	stat := &types.Stat{Path: name, Mode: uint32(info.Mode()), ModTime: info.ModTime().UnixNano()}
	switch info.Mode().Type() {
	case fs.ModeDir:
	case 0:
		stat.Size = info.Size()
	case fs.ModeSymlink:
		stat.Linkname, err = f.root.Readlink(name)
		stat.Size = info.Size()
	default:
		return nil, nil
	}
	return stat, err
}

// Open opens a regular file. It never fails: what sends files takes one that cannot be opened
// for an empty one, so that reading fails instead.
func (f folder) Open(name string) (io.ReadCloser, error) {
	file, err := limits.OpenIn(f.root, filepath.FromSlash(nameIn(name)))
	if err != nil {
		return unreadable{err}, nil
	}
	return metered{file, f.read}, nil
}

// nameIn returns the name of a path below the folder, in the form of package fs.
func nameIn(name string) string {
	if name = strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(name)), "/"); name != "" {
		return name
	}
	return "."
}

type unreadable struct{ err error }

func (u unreadable) Read([]byte) (int, error) { return 0, u.err }
func (unreadable) Close() error               { return nil }

// metered counts what is read of a file.
type metered struct {
	*os.File
	read *limits.Meter
}

func (m metered) Read(p []byte) (int, error) {
	n, err := m.File.Read(p)
	if over := m.read.Bytes(int64(n)); over != nil {
		return 0, fmt.Errorf("reading the folders of all assets: %w", over)
	}
	return n, err
}

// find returns the folder that has a path, and the path in it. A path that is not absolute is
// relative to dir.
func find(folders []assets.Folder, dir, named string) (assets.Folder, string, bool) {
	if !filepath.IsAbs(named) {
		named = filepath.Join(dir, named)
	}
	for _, known := range folders {
		for _, top := range []string{known.Path, known.Named} {
			if name, err := filepath.Rel(top, filepath.Clean(named)); err == nil && filepath.IsLocal(name) {
				return known, name, true
			}
		}
	}
	return assets.Folder{}, "", false
}

// open opens a folder of a build.
func open(folders []assets.Folder, dir, named string) (*os.Root, error) {
	known, name, found := find(folders, dir, named)
	if !found {
		return nil, outside(named)
	}
	top, err := os.OpenRoot(known.Path)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	return top.OpenRoot(name)
}

func outside(named string) error {
	return fmt.Errorf("%q is outside of the cloud assembly and the repository", named)
}
