package bucket

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// maxFile is the largest file that FetchFile reads, in bytes.
const maxFile = 16 << 20

// check returns an error if the file has another digest.
func check(file *os.File, where, digest string) error {
	in, err := content(file)
	if err != nil {
		return err
	}
	found, err := digestOfAll(in)
	if err != nil {
		return err
	}
	if found != digest {
		return errs.Failedf("the artifact %s has changed since the build: its digest is %s, expected %s", where, found, digest).
			WithHint("it was not used; find out who changed it, then run the pipeline again")
	}
	return nil
}

// content returns the content of a file from its beginning.
func content(file *os.File) (*io.SectionReader, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(file, 0, info.Size()), nil
}

// readFile reads one file of a verified artifact.
func readFile(in *io.SectionReader, name string) ([]byte, error) {
	data, err := archive.ReadFile(in, in.Size(), name, maxFile)
	return data, unusable(err)
}

// unpack unpacks what is selected, and all if something would be missing from a cloud assembly. It
// writes the whole artifact to w, unless that is nil; without dir it does nothing else.
func unpack(ctx context.Context, in *io.SectionReader, dir string, what command.Selection, w io.Writer) (err error) {
	if dir == "" {
		return unusable(archive.CopyTar(ctx, w, in, in.Size(), "", nil))
	}
	if err := makeEmpty(dir); err != nil {
		return err
	}
	var left []string
	excluded := func(path string, isFolder bool) bool {
		excluded := !what.Includes(path, isFolder)
		if excluded && isFolder {
			left = append(left, path)
		}
		return excluded
	}
	if w == nil {
		_, err = archive.Unpack(ctx, in, in.Size(), dir, limits.Budget{}, excluded)
	} else {
		err = archive.CopyTar(ctx, w, in, in.Size(), dir, excluded)
	}
	if err == nil && inAssembly(dir, left) {
		removeContent(dir)
		if _, err = in.Seek(0, io.SeekStart); err == nil {
			_, err = archive.Unpack(ctx, in, in.Size(), dir, limits.Budget{}, nil)
		}
	}
	if err != nil {
		removeContent(dir)
		return unusable(err)
	}
	return nil
}

// inAssembly reports whether a folder that is missing from dir is in a cloud assembly, such as
// the packages of an asset: the assembly is published from what is in dir.
func inAssembly(dir string, missing []string) bool {
	known := map[string]bool{} // whether a folder is one, or in one
	var is func(folder string) bool
	is = func(folder string) bool {
		found, asked := known[folder]
		if !asked {
			_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(folder), assemblyFile))
			found = err == nil || folder != "." && is(path.Dir(folder))
			known[folder] = found
		}
		return found
	}
	return slices.ContainsFunc(missing, func(folder string) bool { return is(path.Dir(folder)) })
}

// assemblyFile is in each folder of a cloud assembly.
const assemblyFile = "manifest.json"

func unusable(err error) error {
	if errors.Is(err, archive.ErrHostile) || errors.Is(err, limits.ErrExceeded) {
		return errs.Failedf("the artifact cannot be used: %w", err).WithHint("it was not kept; build it again")
	}
	return err
}

// makeEmpty creates a folder, or checks that it is empty.
func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.Writing(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		return errs.Invalidf("the folder %q is not empty", dir).WithHint("remove it, or use another folder")
	}
	return err
}

// removeContent empties a folder that may be a mounted volume.
func removeContent(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		_ = remove.All(filepath.Join(dir, entry.Name()))
	}
}
