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

// Hints on how to fetch the files of pointers.
const (
	pullInBuild  = "`git lfs pull` in a build command fetches them"
	pullInFolder = "`git lfs pull` in the folder fetches them"
)

// reportPointers prints the files that are pointers, with a hint.
func reportPointers(to io.Writer, paths []string, next string) {
	if len(paths) == 0 {
		return
	}
	slices.Sort(paths)
	quoted := make([]string, 0, maxNamed)
	for _, path := range paths[:min(len(paths), maxNamed)] {
		quoted = append(quoted, fmt.Sprintf("%q", path))
	}
	named := strings.Join(quoted, ", ")
	if more := len(paths) - len(quoted); more > 0 {
		named += fmt.Sprintf(" and %d more", more)
	}
	fmt.Fprintf(to, "files in Git LFS are not fetched; these stay pointers: %s (%s)\n", named, next)
}
