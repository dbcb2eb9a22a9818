package redact_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// write sends text through a Writer in the given pieces.
func write(t *testing.T, r *redact.Redactor, pieces ...string) string {
	t.Helper()
	var out strings.Builder
	w := r.Writer(&out)
	for _, piece := range pieces {
		n, err := io.WriteString(w, piece)
		require.NoError(t, err)
		require.Equal(t, len(piece), n)
	}
	require.NoError(t, w.Close())
	return out.String()
}

func TestASecretSplitAnywhereIsMasked(t *testing.T) {
	text := "before " + githubToken + " and canary-value after\n"
	for at := range len(text) {
		got := write(t, redact.New("canary-value"), text[:at], text[at:])
		require.Equal(t, "before [redacted] and [redacted] after\n", got, "split at %d", at)
	}
	assert.Equal(t, "before [redacted] and [redacted] after\n",
		write(t, redact.New("canary-value"), strings.Split(text, "")...), "byte by byte")
}

func TestLinesAreWrittenWhenTheyEnd(t *testing.T) {
	var out strings.Builder
	w := redact.New().Writer(&out)
	_, _ = io.WriteString(w, "one\ntwo")
	assert.Equal(t, "one\n", out.String())
	_, _ = io.WriteString(w, "\r50 %\r")
	assert.Equal(t, "one\ntwo\r50 %\r", out.String(), "a progress line ends with a carriage return")
	_, _ = io.WriteString(w, "rest")
	require.NoError(t, w.Close())
	assert.Equal(t, "one\ntwo\r50 %\rrest", out.String())
}

func TestAPrivateKeyIsDroppedLineByLine(t *testing.T) {
	lines := strings.SplitAfter("a\n"+privateKey+"\nb\n", "\n")
	assert.Equal(t, "a\n[redacted]\nb\n", write(t, redact.New(), lines...))
}

func TestAPrivateKeyWithoutEndDropsABoundedPartOfTheLog(t *testing.T) {
	got := write(t, redact.New(), "-----BEGIN PRIVATE"+" KEY-----\n",
		strings.Repeat("MIIEowIBAAKCAQEA\n", 100), strings.Repeat("later\n", 20_000), "last\n")
	assert.NotContains(t, got, "MII")
	assert.True(t, strings.HasSuffix(got, "later\nlast\n"))
}

func TestSecretsAreMaskedOnEveryCutOfAnEndlessLine(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var text, want strings.Builder
	for text.Len() < 1<<20 {
		filler := strings.Repeat("x", random.IntN(9000)) + " "
		text.WriteString(filler + "canary-value " + githubToken + ".")
		want.WriteString(filler + "[redacted] [redacted].")
	}
	var pieces []string
	for rest := text.String(); rest != ""; {
		n := min(len(rest), 1+random.IntN(20_000))
		pieces, rest = append(pieces, rest[:n]), rest[n:]
	}
	assert.Equal(t, want.String(), write(t, redact.New("canary-value"), pieces...))
}

func TestAnEndlessLineNeedsBoundedMemory(t *testing.T) {
	w := redact.New("canary-value").Writer(io.Discard)
	piece := []byte(strings.Repeat("x", 32<<10))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 3000 { // 96 MB in one line
		_, err := w.Write(piece)
		require.NoError(t, err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	assert.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(2<<20))
	runtime.KeepAlive(w)
}

func TestAnErrorOfTheUnderlyingWriterIsReturned(t *testing.T) {
	_, err := io.WriteString(redact.New().Writer(brokenWriter{}), "line\n")
	assert.ErrorIs(t, err, errFull)
}

var errFull = errors.New("no space left")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errFull }

func BenchmarkHarmlessOutput(b *testing.B) {
	w := redact.New(githubToken, secretKey).Writer(io.Discard)
	piece := []byte(strings.Repeat("a line of harmless output of a build step\n", 780))
	b.SetBytes(int64(len(piece)))
	for b.Loop() {
		_, _ = w.Write(piece)
	}
}
