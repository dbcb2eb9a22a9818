package limits_test

import (
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

func TestOnlyRegularFilesOfBoundedSizeAreRead(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("file"), []byte("0123456789"), 0o600))
	require.NoError(t, os.Mkdir(at("folder"), 0o700))
	require.NoError(t, syscall.Mkfifo(at("pipe"), 0o600))
	require.NoError(t, os.Symlink("/dev/zero", at("zero")))
	require.NoError(t, os.Symlink("/proc/self/environ", at("environ")))
	require.NoError(t, os.Symlink("file", at("link")))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	for name, read := range map[string]func(name string, most int64) ([]byte, error){
		"by path":   func(name string, most int64) ([]byte, error) { return limits.ReadFile(at(name), most) },
		"by folder": func(name string, most int64) ([]byte, error) { return limits.ReadFileIn(root, name, most) },
		"within":    func(name string, most int64) ([]byte, error) { return limits.ReadWithin(dir, at(name), most) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, name := range []string{"file", "link"} {
				got, err := read(name, 10)
				require.NoError(t, err)
				assert.Equal(t, "0123456789", string(got))
				_, err = read(name, 9)
				require.ErrorIs(t, err, limits.ErrExceeded)
				assert.ErrorContains(t, err, "larger than 9 bytes")
			}
			for _, name := range []string{"pipe", "folder"} {
				_, err := read(name, 10)
				assert.ErrorIs(t, err, limits.ErrNotRegular, name)
			}
			_, err := read("zero", 10)
			assert.Error(t, err)
			_, err = read("missing", 10)
			assert.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
	_, err = limits.ReadFileIn(root, "environ", 1<<20)
	assert.ErrorContains(t, err, "escapes", "the variables of this process are no file of the folder")
	_, err = limits.ReadWithin(dir, filepath.Join(dir, "..", "x"), 10)
	assert.ErrorContains(t, err, "escapes")
	_, err = limits.ReadAll(iotest.ErrReader(os.ErrDeadlineExceeded), 10)
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

func TestASmallInputUnfoldsToTheFreePartAndALargeOneToTheRatio(t *testing.T) {
	b := limits.Budget{Bytes: 1000, Free: 100, Ratio: 10}
	for input, want := range map[int64]int64{0: 100, 9: 100, 11: 110, 99: 990, 101: 1000, math.MaxInt64: 1000} {
		assert.Equal(t, want, b.From(input), input)
	}
	assert.Equal(t, limits.Workspace(), limits.Budget{}.Or(limits.Workspace()))
	assert.EqualValues(t, 5, limits.Budget{Bytes: 5}.Or(limits.Workspace()).Bytes)
}

func TestAMeterEndsWhatTakesTooMuch(t *testing.T) {
	m := limits.Budget{Bytes: 10, Free: 10, Ratio: 1, Entries: 2}.Meter(0)
	require.NoError(t, m.Bytes(10))
	require.NoError(t, m.Entries(2))
	require.ErrorIs(t, m.Bytes(1), limits.ErrExceeded)
	require.ErrorIs(t, m.Entries(1), limits.ErrExceeded)
	for _, hostile := range []int64{-1, 11, math.MaxInt64} {
		m := limits.Budget{Bytes: 10, Free: 10, Ratio: 1}.Meter(0)
		assert.ErrorIs(t, m.Bytes(hostile), limits.ErrExceeded, hostile)
	}
}

func TestSizesReadAsPeopleWriteThem(t *testing.T) {
	var got []string
	for _, size := range []int64{32 << 30, 256 << 20, 64 << 10, 1000, 3<<20 + 1} {
		got = append(got, limits.Size(size))
	}
	assert.Equal(t, "32 GiB, 256 MiB, 64 KiB, 1000 bytes, 3.0 MiB", strings.Join(got, ", "))
}
