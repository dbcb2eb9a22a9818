package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

func all(string, bool) bool { return false }

// packFolders packs tars by name.
func packFolders(t *testing.T, budget limits.Budget, folders ...func(io.Writer)) ([]byte, archive.Contents, error) {
	t.Helper()
	var out bytes.Buffer
	packed, err := archive.NewFolders(&out, budget)
	require.NoError(t, err)
	for i, write := range folders {
		var raw bytes.Buffer
		write(&raw)
		if err := packed.Add(t.Context(), string(rune('a'+i)), &raw); err != nil {
			_, _ = packed.Close()
			return nil, archive.Contents{}, err
		}
	}
	done, err := packed.Close()
	return out.Bytes(), done, err
}

func TestEachFolderOfAnArchiveIsReadAsItWasAdded(t *testing.T) {
	dir := workspace(t)
	require.NoError(t, os.Remove(filepath.Join(dir, "pipe")))
	at := time.Date(2001, 2, 3, 4, 5, 6, 700_000_000, time.UTC)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "src/deep/er/app.ts"), at, at))
	write := func(dir string) func(io.Writer) {
		return func(w io.Writer) {
			_, err := archive.PackTar(t.Context(), w, dir, all)
			require.NoError(t, err)
		}
	}
	data, packed, err := packFolders(t, limits.Budget{}, write(dir), write(t.TempDir()))
	require.NoError(t, err)
	for name, want := range map[string]string{"a": dir, "b": t.TempDir()} {
		var raw bytes.Buffer
		copied, err := archive.CopyFolder(t.Context(), &raw, bytes.NewReader(data), int64(len(data)), name)
		require.NoError(t, err)
		into := filepath.Join(t.TempDir(), "into")
		require.NoError(t, os.Mkdir(into, 0o755))
		done, err := archive.UnpackTar(t.Context(), &raw, into, limits.Budget{})
		require.NoError(t, err)
		assert.Equal(t, copied, done)
		if name == "a" {
			assert.Equal(t, packed, done, "the other one is empty")
			info, err := os.Stat(filepath.Join(into, "src/deep/er/app.ts"))
			require.NoError(t, err)
			assert.Equal(t, at, info.ModTime().UTC())
		}
		out, err := exec.Command("diff", "-r", "--no-dereference", want, into).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	_, err = archive.CopyFolder(t.Context(), io.Discard, bytes.NewReader(data), int64(len(data)), "c")
	require.ErrorIs(t, err, archive.ErrNoFolder)
}

func TestAFolderThatCannotBeTrustedIsNotPacked(t *testing.T) {
	of := func(entries ...tar.Header) func(io.Writer) {
		return func(w io.Writer) {
			out := tar.NewWriter(w)
			for _, entry := range entries {
				require.NoError(t, out.WriteHeader(&entry))
				_, err := out.Write(make([]byte, entry.Size))
				require.NoError(t, err)
			}
			require.NoError(t, out.Flush())
		}
	}
	budget := limits.Budget{Bytes: 1000, Entries: 5, Depth: 3, Free: 1000, Ratio: 1}
	large := regular("large")
	large.Size = 600
	for name, folders := range map[string][]func(io.Writer){
		"a name that leads out":    {of(regular("../b/x"))},
		"an absolute name":         {of(regular("/x"))},
		"a device":                 {of(tar.Header{Typeflag: tar.TypeChar, Name: "x"})},
		"a hard link":              {of(tar.Header{Typeflag: tar.TypeLink, Name: "x", Linkname: "../y"})},
		"a long name":              {of(regular(strings.Repeat("x", 5000)))},
		"too deep":                 {of(folder("a"), folder("a/b"), folder("a/b/c"), folder("a/b/c/d"), folder("a/b/c/d/e"))},
		"too many entries, of all": {of(folder("a"), folder("b"), folder("c")), of(folder("a"), folder("b"), folder("c"))},
		"too many bytes, of all":   {of(large), of(large)},
		"no tar":                   {func(w io.Writer) { _, _ = io.WriteString(w, strings.Repeat("x", 2000)) }},
		"a tar that is cut off":    {func(w io.Writer) { var b bytes.Buffer; of(large)(&b); _, _ = w.Write(b.Bytes()[:700]) }},
	} {
		_, _, err := packFolders(t, budget, folders...)
		require.Error(t, err, name)
		if name != "a tar that is cut off" {
			require.ErrorIs(t, err, archive.ErrHostile, name)
		}
	}
}

// FuzzFolders holds that no tar of theirs makes packing it panic, and that what is packed
// fits the budget and stays below its own name.
func FuzzFolders(f *testing.F) {
	f.Add(tarOf(f, folder("a"), regular("a/b")))
	f.Add(tarOf(f, link("a", "/tmp"), regular("a/evil")))
	f.Add(tarOf(f, regular("../evil")))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		packed, err := archive.NewFolders(&out, small)
		if err != nil {
			t.Fatal(err)
		}
		adding := packed.Add(context.Background(), "0", bytes.NewReader(data))
		done, err := packed.Close()
		if adding != nil {
			return
		}
		if err != nil || done.Bytes > small.Bytes || done.Files > small.Entries {
			t.Fatalf("%+v, %v", done, err)
		}
		if _, err := archive.CopyFolder(context.Background(), io.Discard, &out, int64(out.Len()), "0"); err != nil {
			t.Fatalf("what was packed cannot be read: %v", err)
		}
	})
}
