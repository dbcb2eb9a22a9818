package manifest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// Folder is a folder with one pipeline's objects, one per file. It replaces the
// cluster in a local run.
type Folder string

// Apply writes exactly these objects to the folder. It replaces each file
// atomically, so that a reader sees the old object or the new one.
func (f Folder) Apply(ctx context.Context, objects []Object) ([]Change, error) {
	if err := os.MkdirAll(string(f), 0o755); err != nil {
		return nil, fmt.Errorf("creating the folder of objects: %w", err)
	}
	var changes []Change
	wanted := map[string]bool{}
	for _, object := range objects {
		if err := ctx.Err(); err != nil {
			return changes, err
		}
		action, err := f.put(object)
		if err != nil {
			return changes, fmt.Errorf("writing %s: %w", object, err)
		}
		wanted[object.file()] = true
		changes = append(changes, Change{object.String(), action})
	}
	removed, err := f.prune(wanted)
	return append(changes, removed...), err
}

func (f Folder) put(object Object) (Action, error) {
	path := filepath.Join(string(f), object.file())
	old, err := os.ReadFile(path)
	action := Changed
	switch {
	case errors.Is(err, fs.ErrNotExist):
		action = Created
	case err != nil:
		return "", err
	case bytes.Equal(old, object.YAML):
		return Unchanged, nil
	}
	if err := os.WriteFile(path+".part", object.YAML, 0o644); err != nil {
		return "", err
	}
	return action, os.Rename(path+".part", path)
}

func (f Folder) prune(wanted map[string]bool) ([]Change, error) {
	objects, err := f.Objects()
	if err != nil {
		return nil, err
	}
	var changes []Change
	for _, object := range objects {
		if wanted[object.file()] {
			continue
		}
		if err := os.Remove(filepath.Join(string(f), object.file())); err != nil {
			return changes, fmt.Errorf("removing %s: %w", object, err)
		}
		changes = append(changes, Change{object.String(), Removed})
	}
	return changes, nil
}

// Objects reads the objects in the folder. It returns none if the folder does not
// exist.
func (f Folder) Objects() ([]Object, error) {
	entries, err := os.ReadDir(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the folder of objects: %w", err)
	}
	var objects []Object
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".yaml") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(string(f), entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading the folder of objects: %w", err)
		}
		object, err := parse(data)
		if err != nil {
			return nil, fmt.Errorf("reading %q: %w", filepath.Join(string(f), entry.Name()), err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

func parse(data []byte) (Object, error) {
	var head struct {
		Kind     string `json:"kind"`
		Metadata struct{ Name, Namespace string }
	}
	if err := yaml.Unmarshal(data, &head); err != nil {
		return Object{}, err
	}
	if head.Kind == "" || head.Metadata.Name == "" {
		return Object{}, errors.New("not a Kubernetes object: kind or name is missing")
	}
	return Object{Kind: head.Kind, Namespace: head.Metadata.Namespace, Name: head.Metadata.Name, YAML: data}, nil
}
