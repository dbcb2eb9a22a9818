package checkout

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/aphex/aphex-pipeline/internal/checkout/repository"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// gitDir is the .git of the workspace, so that `git rev-parse HEAD`, `git log` and
// `git status` work in build scripts: the received pack, its index, a detached HEAD, and
// an index of the files. It contains no hooks and no credentials.
type gitDir struct {
	path string
}

// makeGitDir makes a .git without objects.
func makeGitDir(workspace string) (gitDir, error) {
	d := gitDir{filepath.Join(workspace, ".git")}
	for _, folder := range []string{"objects/pack", "objects/info", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(d.path, folder), 0o755); err != nil {
			return d, errs.Writing(workspace, err)
		}
	}
	return d, nil
}

func (d gitDir) pack(name string) string { return filepath.Join(d.path, "objects", "pack", name) }

// keepPack renames the received pack and writes its index.
func (d gitDir) keepPack(temporary string, got fetched) error {
	name := "pack-" + got.pack.Checksum().String()
	if err := os.Rename(temporary, d.pack(name+".pack")); err != nil {
		return errs.Writing(d.path, err)
	}
	if err := d.write(filepath.Join("objects", "pack", name+".idx"), got.pack.WriteIndex); err != nil {
		return err
	}
	return d.keepHistory(got.shallows, got.tags)
}

// borrow uses the objects of a repository on this machine (as alternates), with its tags
// and its shallow commits.
func (d gitDir) borrow(from *localObjects) error {
	err := d.write("objects/info/alternates", func(w io.Writer) error {
		_, err := fmt.Fprintln(w, strings.Join(from.storage.Objects, "\n"))
		return err
	})
	if err != nil {
		return err
	}
	shallows, err := from.storage.Shallow()
	if err != nil {
		return errs.Invalidf("reading the shallow commits of %q: %w", from.top, err)
	}
	tags, err := from.storage.Tags()
	if err != nil {
		return errs.Invalidf("reading the tags of %q: %w", from.top, err)
	}
	return d.keepHistory(shallows, tags)
}

// keepHistory writes the shallow commits and the tags.
func (d gitDir) keepHistory(shallows []plumbing.Hash, tags []repository.Tag) error {
	if len(shallows) > 0 {
		if err := d.write("shallow", func(w io.Writer) error { return writeLines(w, shallows) }); err != nil {
			return err
		}
	}
	// Git rejects the whole file for one name that is invalid.
	tags = slices.DeleteFunc(slices.Clone(tags), func(tag repository.Tag) bool {
		return plumbing.ReferenceName(tag.Name).Validate() != nil
	})
	if len(tags) == 0 {
		return nil
	}
	return d.write("packed-refs", func(w io.Writer) error { return writeLines(w, tags) })
}

func writeLines[T any](w io.Writer, lines []T) error {
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the configuration, HEAD and the index.
func (d gitDir) finish(commit plumbing.Hash, remote string, files []writtenFile) error {
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = false\n" +
		"\tcheckStat = minimal\n\ttrustctime = false\n" // the index below has size and time only
	if remote != "" {
		config += "[remote \"origin\"]\n\turl = " + quoteConfig(remote) + "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
	}
	if err := d.write("config", func(w io.Writer) error { _, err := io.WriteString(w, config); return err }); err != nil {
		return err
	}
	if err := d.write("index", func(w io.Writer) error { return writeIndex(w, files) }); err != nil {
		return err
	}
	return d.write("HEAD", func(w io.Writer) error { _, err := fmt.Fprintln(w, commit); return err })
}

// quoteConfig quotes a value for git's configuration file.
func quoteConfig(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// write writes one file below .git.
func (d gitDir) write(name string, content func(io.Writer) error) error {
	file, err := os.OpenFile(filepath.Join(d.path, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return errs.Writing(d.path, err)
	}
	buffered := bufio.NewWriter(file)
	err = content(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	return errs.Writing(d.path, err)
}

func writeIndex(w io.Writer, files []writtenFile) error {
	list := &index.Index{Version: 2, Entries: make([]*index.Entry, 0, len(files))}
	for _, file := range files {
		list.Entries = append(list.Entries, &index.Entry{
			Name: file.path, Mode: file.mode, Hash: file.hash, Size: uint32(file.size), ModifiedAt: file.modified,
		})
	}
	return index.NewEncoder(w).Encode(list)
}

// refreshIndex gives the entries of files the size and time that the files have now, so that
// `git status` takes them for unchanged, as after a checkout by git-lfs.
func refreshIndex(root *os.Root, paths []string) error {
	changed := map[string]bool{}
	for _, name := range paths {
		changed[name] = true
	}
	const name = ".git/index"
	text, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	list := &index.Index{}
	if err := index.NewDecoder(bytes.NewReader(text)).Decode(list); err != nil {
		return fmt.Errorf("reading the index of the checkout: %w", err)
	}
	for _, entry := range list.Entries {
		if !changed[entry.Name] {
			continue
		}
		info, err := root.Lstat(entry.Name)
		if err != nil {
			return err
		}
		entry.Size, entry.ModifiedAt = uint32(info.Size()), info.ModTime()
	}
	var encoded bytes.Buffer
	if err := index.NewEncoder(&encoded).Encode(list); err != nil {
		return err
	}
	return errs.Writing(root.Name(), root.WriteFile(name, encoded.Bytes(), 0o644))
}
