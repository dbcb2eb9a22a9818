package stageimages

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// archive is an OCI layout in one file.
type archive struct {
	file  *os.File
	parts map[string]*io.SectionReader // by path
}

// openArchive indexes the parts of the file.
func openArchive(path string) (*archive, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	a := &archive{file, map[string]*io.SectionReader{}}
	members := tar.NewReader(file)
	for {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("reading %s: %w", path, err), file.Close())
		}
		// The reader is at the start of the member's content, as it does not read ahead.
		start, err := file.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		a.parts[header.Name] = io.NewSectionReader(file, start, header.Size)
	}
}

// open opens a part by its path in the layout.
func (a *archive) open(path string) (io.Reader, error) {
	part := a.parts[path]
	if part == nil {
		return nil, fmt.Errorf("%s holds no %s", a.file.Name(), path)
	}
	return io.NewSectionReader(part, 0, part.Size()), nil
}

// blob opens the part with that digest.
func (a *archive) blob(digest string) (io.Reader, error) {
	return a.open("blobs/" + strings.Replace(digest, ":", "/", 1))
}

// decode reads a blob of JSON.
func (a *archive) decode(digest string, to any) error {
	content, err := a.blob(digest)
	if err != nil {
		return err
	}
	return json.NewDecoder(content).Decode(to)
}
