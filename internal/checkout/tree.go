package checkout

import (
	"bytes"
	"io"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// objects reads the objects of a commit from a received pack or from a repository on
// this machine. It is safe for concurrent use.
type objects interface {
	// Read returns an object of the given kind and of at most limit bytes.
	Read(hash plumbing.Hash, kind plumbing.ObjectType, limit int64) ([]byte, error)
	// ObjectSize returns the number of bytes of an object.
	ObjectSize(hash plumbing.Hash) (int64, error)
	// Copy writes the content of a blob to w and returns its size.
	Copy(w io.Writer, hash plumbing.Hash) (int64, error)
}

const (
	maxCommit = 16 << 20 // bytes of a commit: its message may be long
	maxTree   = 64 << 20 // bytes of one folder: about a million names
)

// treeEntry is a file or a folder in a tree.
type treeEntry struct {
	name string
	mode filemode.FileMode
	hash plumbing.Hash
}

// treeOf returns the top folder of a commit, which is named in the first line.
func treeOf(from objects, commit plumbing.Hash) (plumbing.Hash, error) {
	text, err := from.Read(commit, plumbing.CommitObject, maxCommit)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	name, found := bytes.CutPrefix(line, []byte("tree "))
	if !found || !plumbing.IsHash(string(name)) {
		return plumbing.ZeroHash, errs.Invalidf("commit %s names no tree", commit)
	}
	return plumbing.NewHash(string(name)), nil
}

// readTree lists a folder: "mode name", a zero byte and 20 bytes of hash each.
func readTree(from objects, hash plumbing.Hash, folder string) ([]treeEntry, error) {
	text, err := from.Read(hash, plumbing.TreeObject, maxTree)
	if err != nil {
		return nil, err
	}
	var entries []treeEntry
	for len(text) > 0 {
		head, rest, found := bytes.Cut(text, []byte{0})
		mode, name, spaced := bytes.Cut(head, []byte(" "))
		if !found || !spaced || len(rest) < len(hash) {
			return nil, errs.Invalidf("folder %q of the commit is malformed", "/"+folder)
		}
		entry := treeEntry{name: string(name), hash: plumbing.Hash(rest[:len(hash)])}
		if entry.mode, err = modeOf(string(mode), folder, entry.name); err != nil {
			return nil, err
		}
		if err := checkName(folder, entry.name); err != nil {
			return nil, err
		}
		entries, text = append(entries, entry), rest[len(hash):]
	}
	return entries, nil
}

// modeOf parses the modes that git writes, and 100664 of old versions.
func modeOf(octal, folder, name string) (filemode.FileMode, error) {
	bits, err := strconv.ParseUint(octal, 8, 32)
	mode := filemode.FileMode(bits)
	switch {
	case err != nil:
	case mode == filemode.Deprecated:
		return filemode.Regular, nil
	case mode == filemode.Regular, mode == filemode.Executable, mode == filemode.Symlink,
		mode == filemode.Dir, mode == filemode.Submodule:
		return mode, nil
	}
	return 0, errs.Invalidf("the commit contains %q in folder %q with the unknown mode %q", name, "/"+folder, octal)
}
