package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

func nothing(string) bool { return false }

// workspace makes a folder with every kind of entry that is kept.
func workspace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"package.json": "{}", "src/deep/er/app.ts": "code", "ümläut/日本語": "x", strings.Repeat("long/", 40) + "path": "y",
		"large": strings.Repeat("0123456789", 40_000), "empty": "", ".git/HEAD": "ref", "-rf": "dash",
	} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	require.NoError(t, os.Chmod(filepath.Join(dir, "package.json"), 0o4755|fs.ModeSetuid))
	require.NoError(t, os.Chmod(filepath.Join(dir, "empty"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	require.NoError(t, os.Symlink("../outside", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("src", filepath.Join(dir, "a-link-to-a-folder")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	return dir
}

func pack(t *testing.T, dir string, excluded func(string) bool) ([]byte, archive.Contents) {
	t.Helper()
	var out bytes.Buffer
	done, err := archive.Pack(t.Context(), &out, dir, excluded)
	require.NoError(t, err)
	return out.Bytes(), done
}

func unpack(t *testing.T, data []byte, budget limits.Budget) (string, archive.Contents, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, os.Mkdir(dir, 0o755))
	done, err := archive.Unpack(t.Context(), bytes.NewReader(data), int64(len(data)), dir, budget, nil)
	return dir, done, err
}

// TestAnArchiveIsCopiedAsTheTarOfTheFolderThatItMakes compares what both make of it.
func TestAnArchiveIsCopiedAsTheTarOfTheFolderThatItMakes(t *testing.T) {
	data, _ := pack(t, workspace(t), nothing)
	dir, unpacked, err := unpack(t, data, limits.Budget{})
	require.NoError(t, err)
	var copied bytes.Buffer
	began := time.Now()
	beside := t.TempDir()
	require.NoError(t, archive.CopyTar(t.Context(), &copied, bytes.NewReader(data), int64(len(data)), beside, func(path string, _ bool) bool { return path == "src" }))
	there := filepath.Join(t.TempDir(), "there")
	require.NoError(t, os.Mkdir(there, 0o755))
	done, err := archive.UnpackTar(t.Context(), &copied, there, limits.Budget{})
	require.NoError(t, err)
	assert.Equal(t, unpacked, done)
	out, err := exec.Command("diff", "-r", "--no-dereference", dir, there).CombinedOutput()
	require.NoError(t, err, string(out))
	out, _ = exec.Command("diff", "-r", "--brief", "--no-dereference", dir, beside).CombinedOutput()
	assert.Equal(t, "Only in "+dir+": src\n", string(out), "what is left out is copied all the same")
	for _, name := range []string{"package.json", "empty", "folder", "large", "src/deep"} {
		here, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		info, err := os.Stat(filepath.Join(there, name))
		require.NoError(t, err)
		assert.Equal(t, here.Mode(), info.Mode(), name)
		if !info.IsDir() {
			assert.WithinRange(t, info.ModTime(), began.Add(-2*time.Second), time.Now(), "%s is as new as one that is unpacked", name)
		}
	}
}

func TestAnArchiveThatIsNoneIsNotCopied(t *testing.T) {
	data, _ := pack(t, workspace(t), nothing)
	for name, broken := range map[string][]byte{"empty": {}, "cut": data[:len(data)/2], "no archive": []byte("hello")} {
		assert.Error(t, archive.CopyTar(t.Context(), io.Discard, bytes.NewReader(broken), int64(len(broken)), t.TempDir(), nil), name)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, archive.CopyTar(ended, io.Discard, bytes.NewReader(data), int64(len(data)), t.TempDir(), nil), context.Canceled)
}

func TestAnUnpackedFolderEqualsThePackedOne(t *testing.T) {
	source := workspace(t)
	data, packed := pack(t, source, func(path string) bool { return path == ".git" })
	dir, unpacked, err := unpack(t, data, limits.Budget{})
	require.NoError(t, err)
	assert.Equal(t, packed, unpacked)
	assert.Equal(t, 9, packed.Files)
	assert.EqualValues(t, 400_000+2+4+1+1+4, packed.Bytes)
	require.NoError(t, os.RemoveAll(filepath.Join(source, ".git")))
	require.NoError(t, os.Remove(filepath.Join(source, "pipe")))
	out, err := exec.Command("diff", "-r", "--no-dereference", source, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	for name, mode := range map[string]fs.FileMode{"package.json": 0o755, "empty": 0o600, "folder": 0o700 | fs.ModeDir, "large": 0o644} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, mode, info.Mode(), "%s: no setuid bit comes back", name)
	}
	target, err := os.Readlink(filepath.Join(dir, "link"))
	require.NoError(t, err)
	assert.Equal(t, "../outside", target)
}

func TestEqualFoldersHaveEqualArchives(t *testing.T) {
	one, two := workspace(t), workspace(t)
	old := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	require.NoError(t, os.Chtimes(filepath.Join(two, "large"), old, old))
	first, _ := pack(t, one, nothing)
	for range 5 {
		second, _ := pack(t, two, nothing)
		require.Equal(t, sha256.Sum256(first), sha256.Sum256(second))
	}
	require.NoError(t, os.WriteFile(filepath.Join(two, "src/deep/er/app.ts"), []byte("cod!"), 0o644))
	other, _ := pack(t, two, nothing)
	assert.NotEqual(t, sha256.Sum256(first), sha256.Sum256(other))
}

func TestOtherProgramsReadTheArchive(t *testing.T) {
	data, _ := pack(t, workspace(t), nothing)
	decoder, err := zstd.NewReader(bytes.NewReader(data))
	require.NoError(t, err)
	list := exec.Command("tar", "-tv")
	list.Stdin = decoder
	out, err := list.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Regexp(t, `-rwxr-xr-x 0/0 +2 1985-10-2. ..:.. package.json`, string(out))
}

// made builds an archive by hand.
func made(t *testing.T, entries ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	w := tar.NewWriter(compressed)
	for _, entry := range entries {
		require.NoError(t, w.WriteHeader(&entry))
		if entry.Typeflag == tar.TypeReg {
			_, err := io.CopyN(w, zeros{}, entry.Size)
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	require.NoError(t, compressed.Close())
	return out.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func regular(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: 3}
}

func link(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}
}

func folder(name string) tar.Header {
	return tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755}
}

// hostile are archives with something that Pack never writes.
func hostile() map[string][]tar.Header {
	return map[string][]tar.Header{
		"a parent":                 {regular("../evil")},
		"a parent in the middle":   {folder("a"), regular("a/../../evil")},
		"a parent that stays":      {folder("a"), regular("a/../evil")},
		"an absolute path":         {regular("/tmp/evil-archive-entry")},
		"no name":                  {regular("")},
		"the folder itself":        {folder(".")},
		"a file behind a link":     {link("a", "/tmp"), regular("a/evil")},
		"a file in a link's place": {link("a", "/tmp/evil-archive-entry"), regular("a")},
		"a folder and a link":      {folder("a"), regular("a/b"), link("a", "/tmp")},
		"a link behind a link":     {link("a", "/tmp"), link("a/evil", "/etc")},
		"a name twice":             {regular("a"), regular("a")},
		"a file without folder":    {regular("a/b")},
		"a hard link":              {regular("a"), {Typeflag: tar.TypeLink, Name: "b", Linkname: "/etc/passwd"}},
		"a device":                 {{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}},
		"a block device":           {{Typeflag: tar.TypeBlock, Name: "sda"}},
		"a pipe":                   {{Typeflag: tar.TypeFifo, Name: "pipe"}},
	}
}

func TestHostileArchivesAreRefusedAndWriteNothingOutside(t *testing.T) {
	cases := hostile()
	outer := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outer, "in", cases["a parent"][0].Name), nil, 0o644), "a program that joins paths writes outside")
	require.FileExists(t, filepath.Join(outer, "evil"))
	for name, entries := range cases {
		t.Run(name, func(t *testing.T) {
			dir, _, err := unpack(t, made(t, entries...), limits.Budget{})
			require.ErrorIs(t, err, archive.ErrHostile)
			outside, err := os.ReadDir(filepath.Dir(dir))
			require.NoError(t, err)
			assert.Len(t, outside, 1)
			assert.NoFileExists(t, "/tmp/evil-archive-entry")
			assert.NoFileExists(t, "/tmp/evil")
		})
	}
}

func TestLinksPointWhereTheyWillButNothingIsWrittenThroughThem(t *testing.T) {
	dir, done, err := unpack(t, made(t, folder("bin"), link("bin/tool", "/usr/bin/env"), link("up", "../../x")), limits.Budget{})
	require.NoError(t, err)
	assert.Equal(t, 2, done.Files)
	target, err := os.Readlink(filepath.Join(dir, "bin/tool"))
	require.NoError(t, err)
	assert.Equal(t, "/usr/bin/env", target)
}

func TestAnArchiveThatUnfoldsTooFarIsStopped(t *testing.T) {
	bomb := made(t, tar.Header{Typeflag: tar.TypeReg, Name: "bomb", Mode: 0o644, Size: 64 << 20})
	require.Less(t, len(bomb), 64<<10)
	_, _, err := unpack(t, bomb, limits.Budget{Bytes: 1 << 20})
	require.ErrorIs(t, err, archive.ErrHostile)

	var many []tar.Header
	for i := range 200 {
		many = append(many, regular(fmt.Sprint(i)))
	}
	_, _, err = unpack(t, made(t, many...), limits.Budget{Entries: 100})
	require.ErrorIs(t, err, archive.ErrHostile)
	_, _, err = unpack(t, made(t, many...), limits.Budget{Entries: 200})
	require.NoError(t, err)
}

func TestTheRatioIsBoundedBeyondTheFreePart(t *testing.T) {
	file := tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Name: "a"}
	// The header alone decides: nothing of that size is written.
	var out bytes.Buffer
	compressed, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	w := tar.NewWriter(compressed)
	file.Size = limits.Workspace().Free + 1
	require.NoError(t, w.WriteHeader(&file))
	require.NoError(t, compressed.Close())
	dir, _, err := unpack(t, out.Bytes(), limits.Budget{Ratio: 10})
	require.ErrorIs(t, err, archive.ErrHostile)
	assert.NoFileExists(t, filepath.Join(dir, "a"))
}

// TestOneFileOfAHostileArchiveIsNotRead is T4 for a read of one file: what stands
// before it is never skipped without end, and a link is not followed.
func TestOneFileOfAHostileArchiveIsNotRead(t *testing.T) {
	config := tar.Header{Typeflag: tar.TypeReg, Name: "config", Mode: 0o644, Size: 1000}
	read := func(data []byte) ([]byte, error) {
		return archive.ReadFile(bytes.NewReader(data), int64(len(data)), "config", 1000)
	}
	got, err := read(made(t, folder("a"), regular("a/b"), config))
	require.NoError(t, err)
	assert.Len(t, got, 1000)
	for name, entries := range map[string][]tar.Header{
		"a bomb before it": {{Typeflag: tar.TypeReg, Name: "bomb", Mode: 0o644, Size: limits.Workspace().Free + 1}, config},
		"a link":           {link("config", "/etc/passwd")},
		"a device":         {{Typeflag: tar.TypeChar, Name: "config", Devmajor: 1, Devminor: 5}},
		"a folder":         {{Typeflag: tar.TypeDir, Name: "config"}},
	} {
		_, err := read(made(t, entries...))
		assert.ErrorIs(t, err, archive.ErrHostile, name)
	}
	large := config
	large.Size = 1001
	_, err = read(made(t, large))
	assert.ErrorIs(t, err, limits.ErrExceeded)
	_, err = read(made(t, regular("other")))
	assert.ErrorIs(t, err, fs.ErrNotExist)
}

func TestFoldersInsideEachOtherAreBounded(t *testing.T) {
	var entries []tar.Header
	for i := range 5 {
		entries = append(entries, folder(strings.Repeat("a/", i)+"a"))
	}
	_, _, err := unpack(t, made(t, entries...), limits.Budget{Depth: 4})
	require.NoError(t, err)
	_, _, err = unpack(t, made(t, entries...), limits.Budget{Depth: 3})
	assert.ErrorIs(t, err, archive.ErrHostile)
}

func TestADamagedOrCutArchiveIsAnError(t *testing.T) {
	data, _ := pack(t, workspace(t), nothing)
	for n := 0; n < len(data); n += 97 {
		_, _, err := unpack(t, data[:n], limits.Budget{})
		require.Error(t, err, "cut at %d of %d", n, len(data))
	}
	for i := 0; i < len(data); i += 211 {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0xff
		_, _, _ = unpack(t, damaged, limits.Budget{}) // must end and stay inside; the digest is checked before
	}
}

func TestACancelledContextStopsBoth(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := archive.Pack(ctx, io.Discard, workspace(t), nothing)
	require.ErrorIs(t, err, context.Canceled)
	data, _ := pack(t, workspace(t), nothing)
	_, err = archive.Unpack(ctx, bytes.NewReader(data), int64(len(data)), t.TempDir(), limits.Budget{}, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAFullDiskEndsPacking(t *testing.T) {
	_, err := archive.Pack(t.Context(), fullDisk{}, workspace(t), nothing)
	assert.ErrorIs(t, err, syscall.ENOSPC)
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
