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
	// pointerStart begins every pointer of Git LFS, which is shorter than maxPointer
	// bytes (Git LFS Specification, "The Pointer").
	pointerStart = "version https://git-lfs.github.com/spec/v1\n"
	maxPointer   = 1024
	// maxNamed bounds how many pointers a message names.
	maxNamed = 10
)

// isPointer says whether a file of that beginning and size stands for another
// one in Git LFS.
func isPointer(start []byte, size int64) bool {
	return size < maxPointer && bytes.HasPrefix(start, []byte(pointerStart))
}

// beginning keeps what a pointer would begin with of all that is written.
type beginning struct {
	to   io.Writer
	kept []byte
}

// Write passes everything on.
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

// What gets the files that pointers stand for.
const (
	pullInBuild  = "`git lfs pull` in a build command fetches them"
	pullInFolder = "`git lfs pull` in the folder fetches them"
)

// tellPointers names the files that are pointers, and what to do about them.
func tellPointers(to io.Writer, paths []string, next string) {
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
