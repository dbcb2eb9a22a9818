package archive_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

var small = limits.Budget{Bytes: 1 << 16, Entries: 100, Depth: 10, Free: 1 << 16, Ratio: 1}

// tarOf is the tar inside of an archive made by hand.
func tarOf(f *testing.F, entries ...tar.Header) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, entry := range entries {
		if err := w.WriteHeader(&entry); err != nil {
			f.Fatal(err)
		}
		_, _ = w.Write(make([]byte, entry.Size))
	}
	_ = w.Flush()
	return out.Bytes()
}

// FuzzUnpack holds that no tar makes the reader panic, and that nothing is written but in
// the folder. What it holds is removed for the next try.
func FuzzUnpack(f *testing.F) {
	f.Add(tarOf(f, folder("a"), regular("a/b")))
	f.Add(tarOf(f, link("a", "/tmp"), regular("a/evil")))
	f.Add(tarOf(f, regular("../evil")))
	top := f.TempDir()
	dir := filepath.Join(top, "into")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		_, _ = archive.UnpackTar(t.Context(), bytes.NewReader(data), dir, small)
		if entries, err := os.ReadDir(top); err != nil || len(entries) != 1 {
			t.Fatalf("written outside: %v, %v", entries, err)
		}
	})
}

// FuzzRepack holds that what is repacked of any tar can be unpacked, with all that was counted, and
// that nothing is written but in the folder.
func FuzzRepack(f *testing.F) {
	f.Add(tarOf(f, folder("a"), regular("a/b"), link("c", "a")))
	f.Add(tarOf(f, folder("src"), regular("src/b"), regular("src.md")))
	f.Add(tarOf(f, regular("b"), regular("a")))
	top := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		dirs := []string{filepath.Join(top, "into"), filepath.Join(top, "again")}
		for _, dir := range dirs {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
		}
		var packed bytes.Buffer
		excluded := func(path string) bool { return path == "x" }
		done, err := archive.Repack(t.Context(), &packed, bytes.NewReader(data), dirs[0], small, excluded, func(path string, _ bool) bool { return path == "src" })
		if entries, readErr := os.ReadDir(top); readErr != nil || len(entries) != len(dirs) {
			t.Fatalf("written outside: %v, %v", entries, readErr)
		}
		if err != nil {
			return
		}
		if got, err := archive.Unpack(t.Context(), bytes.NewReader(packed.Bytes()), int64(packed.Len()), dirs[1], small, nil); err != nil || got != done {
			t.Fatalf("it cannot be unpacked: %v; %v, not %v", err, got, done)
		}
	})
}

// FuzzReadFile holds that what is read of an archive is within its limit.
func FuzzReadFile(f *testing.F) {
	for _, data := range [][]byte{tarOf(f, regular("a")), tarOf(f, folder("b"), link("a", "x"))} {
		encoder, err := zstd.NewWriter(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoder.EncodeAll(data, nil), true)
		f.Add(data, false)
	}
	encoder, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	f.Fuzz(func(t *testing.T, data []byte, packed bool) {
		if !packed {
			data = encoder.EncodeAll(data, nil)
		}
		got, err := archive.ReadFile(bytes.NewReader(data), int64(len(data)), "a", 100)
		if len(got) > 100 || err == nil && got == nil || err != nil && errors.Is(err, fs.ErrInvalid) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}
