package stageimages

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// removed is the prefix of the name of a file that a layer removes.
const removed = ".wh."

// member is a file of a layer. Its name is cleaned: the root is ".".
type member struct {
	name   string
	header *tar.Header
}

// read reads one layer.
func (a *archive) read(layer descriptor, each func(m member, content io.Reader) error) error {
	compressed, err := a.blob(layer.Digest)
	if err != nil {
		return err
	}
	content, err := gzip.NewReader(compressed)
	if err != nil {
		return fmt.Errorf("layer %s: %w", layer.Digest, err)
	}
	for members := tar.NewReader(content); ; {
		header, err := members.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = each(member{path.Clean(strings.TrimLeft(header.Name, "/")), header}, members)
		}
		if err != nil {
			return fmt.Errorf("layer %s: %w", layer.Digest, err)
		}
	}
}

// known caches members by the layer's digest: images share layers.
var known = map[string][]member{}

// members returns the members of all layers, from the lowest one.
func (i image) members() (all []member, err error) {
	for _, layer := range i.Layers {
		if known[layer.Digest] == nil {
			var found []member
			if err := i.archive.read(layer, func(m member, _ io.Reader) error { found = append(found, m); return nil }); err != nil {
				return nil, err
			}
			known[layer.Digest] = found
		}
		all = append(all, known[layer.Digest]...)
	}
	return all, nil
}

// files returns the files of the image, by path.
func (i image) files() (map[string]*tar.Header, error) {
	all, err := i.members()
	found := map[string]*tar.Header{}
	for _, m := range all {
		if gone, ok := strings.CutPrefix(path.Base(m.name), removed); ok {
			gone = path.Join(path.Dir(m.name), gone)
			maps.DeleteFunc(found, func(name string, _ *tar.Header) bool { return name == gone || strings.HasPrefix(name, gone+"/") })
			continue
		}
		found[m.name] = m.header
	}
	return found, err
}

// content returns the content of one file, from the highest layer that has it.
func (i image) content(wanted string) (content []byte, err error) {
	if _, err := i.members(); err != nil {
		return nil, err
	}
	for _, layer := range slices.Backward(i.Layers) {
		if !slices.ContainsFunc(known[layer.Digest], func(m member) bool { return m.name == wanted }) {
			continue
		}
		err := i.archive.read(layer, func(m member, from io.Reader) (err error) {
			if m.name == wanted {
				content, err = io.ReadAll(from)
			}
			return err
		})
		return content, err
	}
	return nil, fmt.Errorf("%s holds no file %s", i.Stage, wanted)
}
