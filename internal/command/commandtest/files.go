package commandtest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// script runs text in a folder of the commands and returns what it prints.
func script(t *testing.T, r command.Runner, dir, text string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, r.Run(t.Context(), command.Command{Args: command.Shell(r, text), Dir: dir, Stdout: &out, Stderr: &out}), "%s", &out)
	return out.String()
}

func theEnvironmentIsThatOfCommandsThatAreGivenNone(t *testing.T, r command.Runner) {
	var out bytes.Buffer
	require.NoError(t, r.Run(t.Context(), command.Command{Args: []string{"env", "-0"}, Stdout: &out}))
	got, want := strings.Split(strings.TrimSuffix(out.String(), "\x00"), "\x00"), slices.Clone(r.Environ())
	slices.Sort(got)
	slices.Sort(want)
	assert.Equal(t, slices.Compact(want), got)
	assert.True(t, slices.ContainsFunc(want, func(entry string) bool { return strings.HasPrefix(entry, "PATH=") }))
}

// workspace makes a folder with files of all kinds.
func workspace(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a b", "workspace")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o755))
	for name, text := range map[string]string{"run.sh": "echo ran", "deep/er/file": "content", "empty": "", "large": strings.Repeat("x", 300<<10)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "run.sh"), 0o755))
	require.NoError(t, os.Symlink("deep/er", filepath.Join(dir, "link")))
	return dir
}

func whatIsSentIsAtItsPlace(t *testing.T, r command.Runner) {
	dir := workspace(t)
	require.NoError(t, r.Send(t.Context(), dir))
	out := script(t, r, r.Place(dir), `cat link/file; echo; test -L link && test -x run.sh && test ! -x empty && wc -c < large; pwd`)
	assert.Equal(t, "content\n307200\n"+r.Place(dir)+"\n", out)
	assert.Equal(t, r.Place(dir)+"/deep", r.Place(filepath.Join(dir, "deep")), "what is in a folder is in its place")
}

func whatIsSentAgainReplacesWhatWasThere(t *testing.T, r command.Runner) {
	dir := workspace(t)
	require.NoError(t, r.Send(t.Context(), dir))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "deep")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), []byte("no longer"), 0o644))
	require.NoError(t, r.Send(t.Context(), dir))
	assert.Equal(t, "empty\nlarge\nlink\nrun.sh\nno longer", script(t, r, r.Place(dir), "ls; cat empty"))
}

// aFolderThatComesAsATarIsAtItsPlace sends a folder whose content is written elsewhere
// meanwhile; commands that have the same files have that one.
func aFolderThatComesAsATarIsAtItsPlace(t *testing.T, r command.Runner) {
	dir := workspace(t)
	require.NoError(t, r.SendFolder(t.Context(), dir, func(_ context.Context, to io.Writer) error {
		files := tar.NewWriter(to)
		return errors.Join(files.AddFS(os.DirFS(dir)), files.Close())
	}))
	assert.Equal(t, "content", script(t, r, r.Place(dir), "cat link/file && test -x run.sh"))
	if r.Place(dir) == dir {
		return // nothing is copied that could fail
	}
	broken := errors.New("the archive is broken")
	require.ErrorIs(t, r.SendFolder(t.Context(), dir, func(context.Context, io.Writer) error { return broken }), broken)
	require.ErrorIs(t, r.SendFolder(t.Context(), dir, func(_ context.Context, to io.Writer) error {
		files := tar.NewWriter(to)
		err := files.WriteHeader(&tar.Header{Name: "large", Mode: 0o644, Size: 2 << 20})
		_, writing := io.WriteString(files, strings.Repeat("x", 1<<20))
		return cmp.Or(err, writing, broken)
	}), broken)
	assert.Equal(t, "content", script(t, r, r.Place(dir), "cat link/file"), "what is not complete replaces nothing")
}

func whatCommandsMadeIsFetched(t *testing.T, r command.Runner) {
	dir := workspace(t)
	require.NoError(t, r.Send(t.Context(), dir))
	began := time.Now()
	script(t, r, r.Place(dir), `rm -r deep; mkdir -p out/in; echo made > out/in/file; chmod 755 out/in/file; ln -s /etc out/etc; mkfifo pipe`)
	got, err := r.Fetch(t.Context(), r.Place(dir), dir, command.Selection{})
	require.NoError(t, err)
	assert.Equal(t, dir, got, "what has been sent comes back to where it was")
	assert.NoDirExists(t, filepath.Join(got, "deep"))
	data, err := os.ReadFile(filepath.Join(got, "out", "in", "file"))
	require.NoError(t, err)
	assert.Equal(t, "made\n", string(data))
	info, err := os.Stat(filepath.Join(got, "out", "in", "file"))
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&0o100)
	assert.WithinRange(t, info.ModTime(), began.Add(-20*time.Millisecond), time.Now(), "tests look for new reports")
	target, err := os.Readlink(filepath.Join(got, "out", "etc"))
	require.NoError(t, err)
	assert.Equal(t, "/etc", target)
}

func aFileAloneIsSentAndFetched(t *testing.T, r command.Runner) {
	file := filepath.Join(t.TempDir(), "below", "file")
	require.NoError(t, os.Mkdir(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte("hello"), 0o600))
	require.NoError(t, r.Send(t.Context(), file))
	assert.Equal(t, "hello", script(t, r, filepath.Dir(r.Place(file)), `cat file; echo changed > file`))
	got, err := r.Fetch(t.Context(), r.Place(file), file, command.Selection{})
	require.NoError(t, err)
	data, err := os.ReadFile(got)
	require.NoError(t, err)
	assert.Equal(t, "changed\n", string(data))
}

func aSelectionHasWhatItIncludes(t *testing.T, r command.Runner) {
	dir := workspace(t)
	require.NoError(t, r.Send(t.Context(), dir))
	script(t, r, r.Place(dir), `mkdir -p node_modules reports; echo a > reports/junit.XML; echo b > node_modules/other.xml`)
	what := command.Selection{Without: []string{"node_modules"}, Only: []string{"*.xml"}}
	into := filepath.Join(t.TempDir(), "into")
	got, err := r.Fetch(t.Context(), r.Place(dir), into, what)
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(got, "reports", "junit.XML"))
	if got == into { // a copy
		assert.NoFileExists(t, filepath.Join(got, "run.sh"))
		assert.NoDirExists(t, filepath.Join(got, "node_modules"))
	}
}

func whatIsNotThereIsNotFetched(t *testing.T, r command.Runner) {
	dir := workspace(t)
	_, err := r.Fetch(t.Context(), r.Place(filepath.Join(dir, "none")), filepath.Join(dir, "none"), command.Selection{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Fetch(ended, r.Place(dir), dir, command.Selection{})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, r.Send(ended, workspace(t)), context.Canceled)
	assert.NoError(t, r.Run(t.Context(), command.Command{Args: []string{"true"}}), "the runner goes on")
}

// whatCannotBeReadIsNamed sends what cannot be read; a runner that copies nothing cannot know.
func whatCannotBeReadIsNamed(t *testing.T, r command.Runner) {
	none := filepath.Join(t.TempDir(), "none")
	if r.Place(none) != none {
		require.ErrorIs(t, r.Send(t.Context(), none), fs.ErrNotExist)
	}
	assert.NoError(t, r.Run(t.Context(), command.Command{Args: []string{"true"}}), "the runner goes on")
}

// aFolderOfTheCommandsOwnIsMadeAndRead is about a folder at a path that is none of ours.
func aFolderOfTheCommandsOwnIsMadeAndRead(t *testing.T, r command.Runner) {
	theirs, apart := r.(command.Apart)
	if !apart {
		return // their files are ours
	}
	top := strings.TrimSpace(script(t, r, "", "mktemp -d"))
	defer script(t, r, "", "rm -r "+top)
	at := top + "/a b/folder"
	there, err := theirs.Has(t.Context(), at)
	require.NoError(t, err)
	assert.False(t, there)
	read := func(io.Reader) error { t.Error("there is nothing to read"); return nil }
	require.ErrorIs(t, theirs.ReadFolder(t.Context(), at, read), fs.ErrNotExist)

	require.NoError(t, theirs.MakeFolder(t.Context(), at, func(_ context.Context, to io.Writer) error {
		files := tar.NewWriter(to)
		return errors.Join(files.AddFS(os.DirFS(workspace(t))), files.Close())
	}))
	assert.Equal(t, "content", script(t, r, at, "cat link/file"))
	there, err = theirs.Has(t.Context(), at)
	require.NoError(t, err)
	assert.True(t, there)

	script(t, r, top, "ln -s /missing link")
	there, err = theirs.Has(t.Context(), top+"/link")
	require.NoError(t, err)
	assert.True(t, there, "a link that leads nowhere")

	names := 0
	require.NoError(t, theirs.ReadFolder(t.Context(), at, func(from io.Reader) error {
		files := tar.NewReader(from)
		for {
			_, err := files.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			require.NoError(t, err)
			names++
		}
	}))
	assert.Equal(t, 7, names)
	enough := errors.New("it has read enough")
	require.ErrorIs(t, theirs.ReadFolder(t.Context(), at, func(io.Reader) error { return enough }), enough)
	require.ErrorContains(t, theirs.ReadFolder(t.Context(), at+"/run.sh", read), "not a folder")
	assert.Equal(t, "content", script(t, r, at, "cat link/file"), "the runner goes on")
}
