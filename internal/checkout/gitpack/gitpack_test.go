package gitpack_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/checkout/gitpack"
	"github.com/aphex/aphex-pipeline/internal/checkout/gittest"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// history makes a repository whose pack has deltas, one of them of an object that is too
// large for memory.
func history(t *testing.T) *gittest.Repository {
	t.Helper()
	r := gittest.New(t)
	random := rand.New(rand.NewPCG(1, 2))
	large := make([]byte, 3<<20)
	for i := range large {
		large[i] = "abcdefghijklmnop"[random.IntN(16)]
	}
	text := strings.Repeat("a line of a file that changes a little in each commit\n", 400)
	for i := range 12 {
		r.Write("folder/file.txt", text+strings.Repeat("more\n", i))
		if i%5 == 0 {
			large[i*1000] = '!'
			r.Write("large.txt", string(large))
		}
		r.Commit("change")
	}
	return r
}

func twoCommits(t *testing.T) *gittest.Repository {
	t.Helper()
	r := gittest.New(t)
	r.Write("a", strings.Repeat("some text\n", 50))
	r.Commit("one")
	r.Write("a", strings.Repeat("some text\n", 51))
	r.Commit("two")
	return r
}

// pack returns all objects of r as one pack.
func pack(t *testing.T, r *gittest.Repository, options ...string) []byte {
	t.Helper()
	args := append([]string{"pack-objects", "--stdout", "-q", "--all", "--window=20"}, options...)
	command := exec.Command("git", args...)
	command.Dir, command.Stdin = r.Dir, strings.NewReader("")
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	require.NoError(t, command.Run(), errOut.String())
	return out.Bytes()
}

func receive(t *testing.T, data []byte) (*gitpack.Pack, *os.File, error) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "x.pack"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	temp := t.TempDir()
	t.Cleanup(func() {
		left, err := os.ReadDir(temp)
		require.NoError(t, err)
		assert.Empty(t, left, "files of objects")
	})
	p, err := gitpack.Receive(t.Context(), bytes.NewReader(data), file, temp, limits.Workspace())
	return p, file, err
}

func TestEveryObjectOfARealPackIsRead(t *testing.T) {
	r := history(t)
	for name, options := range map[string][]string{
		"offset deltas": {"--delta-base-offset"}, "reference deltas": nil, "whole objects": {"--window=0"},
	} {
		t.Run(name, func(t *testing.T) {
			p, _, err := receive(t, pack(t, r, options...))
			require.NoError(t, err)
			list := strings.Fields(r.Git("cat-file", "--batch-all-objects", "--batch-check=%(objectname) %(objecttype)"))
			assert.Equal(t, len(list)/2, p.Objects())
			for i := 0; i < len(list); i += 2 {
				kind, err := plumbing.ParseObjectType(list[i+1])
				require.NoError(t, err)
				content, err := p.Read(plumbing.NewHash(list[i]), kind, 16<<20)
				require.NoError(t, err)
				require.Equal(t, list[i], plumbing.ComputeHash(kind, content).String())
				if kind == plumbing.BlobObject {
					var copied bytes.Buffer
					_, err := p.Copy(&copied, plumbing.NewHash(list[i]))
					require.NoError(t, err)
					require.Equal(t, content, copied.Bytes())
				}
			}
		})
	}
}

func TestGitAcceptsTheIndex(t *testing.T) {
	p, file, err := receive(t, pack(t, history(t), "--delta-base-offset"))
	require.NoError(t, err)
	index, err := os.Create(strings.TrimSuffix(file.Name(), ".pack") + ".idx")
	require.NoError(t, err)
	require.NoError(t, p.WriteIndex(index))
	require.NoError(t, index.Close())
	out, err := exec.Command("git", "verify-pack", "-v", index.Name()).CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), ": ok")
}

func TestAMissingObjectAndAnotherKindAreErrors(t *testing.T) {
	r := twoCommits(t)
	p, _, err := receive(t, pack(t, r))
	require.NoError(t, err)
	_, err = p.Read(plumbing.NewHash(strings.Repeat("ab", 20)), plumbing.CommitObject, 1<<20)
	require.ErrorIs(t, err, gitpack.ErrMissing)
	_, err = p.Read(plumbing.NewHash(r.Git("rev-parse", "HEAD^{tree}")), plumbing.CommitObject, 1<<20)
	require.ErrorIs(t, err, gitpack.ErrMissing)
	_, err = p.Read(plumbing.NewHash(r.Git("rev-parse", "HEAD:a")), plumbing.BlobObject, 100)
	assert.ErrorContains(t, err, "more than the limit")
}

func TestATruncatedPackIsAnErrorWhereverItIsCut(t *testing.T) {
	data := pack(t, twoCommits(t), "--delta-base-offset")
	for n := range data {
		_, _, err := receive(t, data[:n])
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut at %d of %d", n, len(data))
	}
}

func TestADamagedPackIsAnErrorWhereverItIsDamaged(t *testing.T) {
	data := pack(t, twoCommits(t))
	for i := range data {
		damaged := bytes.Clone(data)
		damaged[i] ^= 0x15
		_, _, err := receive(t, damaged)
		require.Error(t, err, "byte %d", i)
		// The same with a correct checksum, which an attacker can compute.
		_, _, _ = receive(t, resealed(damaged))
	}
}

// resealed replaces the checksum at the end of a pack with the correct one.
func resealed(data []byte) []byte {
	sum := sha1.Sum(data[:len(data)-sha1.Size])
	return append(bytes.Clone(data[:len(data)-sha1.Size]), sum[:]...)
}

func TestMoreDataThanAnnouncedIsAnError(t *testing.T) {
	_, _, err := receive(t, append(pack(t, twoCommits(t)), "more"...))
	assert.ErrorIs(t, err, gitpack.ErrMalformed)
}

func TestACancelledContextStopsReceiving(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := gitpack.Receive(ctx, bytes.NewReader(pack(t, twoCommits(t))), discard{}, t.TempDir(), limits.Workspace())
	assert.ErrorIs(t, err, context.Canceled)
}

type discard struct{}

func (discard) Write(p []byte) (int, error)           { return len(p), nil }
func (discard) ReadAt(p []byte, _ int64) (int, error) { return 0, io.EOF }
