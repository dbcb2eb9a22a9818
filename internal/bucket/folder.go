package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Folders keeps in plain folders what a Store keeps in buckets, under the same
// keys: where a Store is told a bucket, it is told the path of a folder.
type Folders struct{}

// CheckNamed refuses inputs that name no workspace, or two of a plain folder, an
// artifact of a bucket, and a folder that keeps artifacts in place of a bucket.
func CheckNamed(source, key, folder, bucket string) error {
	named := 0
	for _, name := range []string{source, key, folder} {
		if name != "" {
			named++
		}
	}
	switch {
	case folder != "" && bucket != "":
		return errs.Invalidf("--artifact-dir takes the place of --bucket, but both are given")
	case named == 1:
		return nil
	}
	return errs.Invalidf("exactly one of --source, --artifact and --artifact-dir names the workspace").
		WithHint("give --artifact and --digest as the build stage printed them, or --source and a folder, or the --artifact-dir of the build stage")
}

// Prepare makes a folder, and finds out whether it can be written to.
func (Folders) Prepare(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return errs.Writing(folder, err)
	}
	file, err := os.CreateTemp(folder, ".partial-")
	if err != nil {
		return errs.Writing(folder, err)
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// Open reads the document about what was built of a commit, and finds out
// whether more can be written beside it.
func (f Folders) Open(folder, commit string) (Metadata, error) {
	built, err := read(folder, commit)
	if err != nil {
		return built, err
	}
	return built, f.Prepare(folder)
}

func read(folder, commit string) (Metadata, error) {
	var m Metadata
	file := at(folder, MetadataKey(commit))
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return m, errs.Invalidf("nothing that was built of commit %s is in %q: %w", commit, folder, err).
			WithHint("build it first: builder --source . --commit %s --artifact-dir %s", commit, folder)
	}
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err == nil {
		err = errors.Join(CheckDigest(m.Digest), local(m.Key))
	}
	if err != nil {
		return m, errs.Invalidf("reading what was built from %q: %w", file, err)
	}
	return m, nil
}

// Fetch brings an artifact into the folder dir, as Store.Fetch does.
func (Folders) Fetch(ctx context.Context, folder, key, digest, dir string) error {
	file, err := os.Open(at(folder, key))
	if err != nil {
		return errs.Invalidf("reading the artifact: %w", err)
	}
	defer file.Close()
	if err := check(file, file.Name(), digest); err != nil {
		return err
	}
	return unpack(ctx, file, dir)
}

// Get reads a document.
func (Folders) Get(_ context.Context, folder, key string) ([]byte, error) {
	return os.ReadFile(at(folder, key))
}

// List gives the keys that begin with prefix, in order.
func (Folders) List(_ context.Context, folder, prefix string) ([]string, error) {
	var keys []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/"):
			return fs.SkipDir
		case entry.Type().IsRegular() && strings.HasPrefix(name, prefix):
			keys = append(keys, name)
		}
		return nil
	})
	return keys, err
}

// Put stores a document.
func (Folders) Put(_ context.Context, folder, key string, data []byte) error {
	file := at(folder, key)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return errs.Writing(folder, err)
	}
	return errs.Writing(file, os.WriteFile(file, data, 0o644))
}

// at is where a key lies.
func at(folder, key string) string { return filepath.Join(folder, filepath.FromSlash(key)) }

// local refuses a key that leads out of its folder.
func local(key string) error {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return fmt.Errorf("%q is no key of an artifact", key)
	}
	return nil
}

// Save keeps an archive and its document, and gives the completed document.
func (Folders) Save(folder string, p Packed, m Metadata) (Metadata, error) {
	m = m.of(p)
	target := at(folder, m.Key)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return m, errs.Writing(folder, err)
	}
	if err := copyFile(target, p.File); err != nil {
		return m, errs.Writing(folder, err)
	}
	document, err := m.encode()
	if err != nil {
		return m, err
	}
	return m, errs.Writing(folder, os.WriteFile(filepath.Join(filepath.Dir(target), MetadataName), document, 0o644))
}

// copyFile copies beside the target first, so that the target is whole or not there.
func copyFile(target, source string) error {
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(target), ".partial-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	_, err = io.Copy(out, in)
	if closing := out.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	return os.Rename(out.Name(), target)
}
