package checkout

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

const (
	// pointerStart is the beginning of a pointer of Git LFS, which is shorter than maxPointer
	// bytes (Git LFS Specification, "The Pointer").
	pointerStart = "version https://git-lfs.github.com/spec/v1\n"
	maxPointer   = 1024
	// maxNamed is the most pointers that a message names.
	maxNamed = 10
)

// isPointer reports whether a file of that beginning and size is a pointer of Git LFS.
func isPointer(start []byte, size int64) bool {
	return size < maxPointer && bytes.HasPrefix(start, []byte(pointerStart))
}

// beginning keeps the first bytes of what is written, as many as pointerStart has.
type beginning struct {
	to   io.Writer
	kept []byte
}

// Write passes p on.
func (b *beginning) Write(p []byte) (int, error) {
	if missing := len(pointerStart) - len(b.kept); missing > 0 {
		b.kept = append(b.kept, p[:min(missing, len(p))]...)
	}
	return b.to.Write(p)
}

// pointers collects paths from several goroutines.
type pointers struct {
	mu    sync.Mutex
	paths []string
}

func (p *pointers) add(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paths = append(p.paths, path)
}

// Hints on how to fetch what is missing.
const (
	fetchInRun   = "to fetch them, set checkout.lfs: true in the configuration; a folder on this machine needs `git lfs pull`"
	pullInFolder = "`git lfs pull` in the folder fetches them"
)

// reportMissing prints the parts of a repository that a checkout lacks.
func reportMissing(to io.Writer, done Checkout) {
	if len(done.Submodules) > 0 {
		var paths []string
		for _, s := range done.Submodules {
			paths = append(paths, s.Path)
		}
		fmt.Fprintf(to, "submodules are not fetched; these folders are empty: %s "+
			"(to fetch them, set checkout.submodules: true in the configuration; a folder on this machine needs `git submodule update --init --recursive`)\n", named(paths))
	}
	reportPointers(to, done.Pointers, fetchInRun)
}

// reportPointers prints the files that are pointers, with a hint.
func reportPointers(to io.Writer, paths []string, next string) {
	if len(paths) > 0 {
		fmt.Fprintf(to, "files in Git LFS are not fetched; these stay pointers: %s (%s)\n", named(paths), next)
	}
}

// named quotes the first paths, and says how many there are besides.
func named(paths []string) string {
	slices.Sort(paths)
	quoted := make([]string, 0, maxNamed)
	for _, path := range paths[:min(len(paths), maxNamed)] {
		quoted = append(quoted, fmt.Sprintf("%q", path))
	}
	list := strings.Join(quoted, ", ")
	if more := len(paths) - len(quoted); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}
