package sigv4_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/sigv4"
)

// put is a request with a body whose payload hash is declared.
func put(t testing.TB, hash, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, "http://h/b/k", strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	return r
}

func decode(r *http.Request, signature *sigv4.Signature, secret string) (string, http.Header, error) {
	body, err := signature.Open(r, secret)
	if err != nil {
		return "", nil, err
	}
	text, err := io.ReadAll(body)
	return string(text), body.Trailer, err
}

func TestUnsignedChunksAreDecodedWithTheirTrailer(t *testing.T) {
	r := put(t, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n")
	r.Header.Set("X-Amz-Decoded-Content-Length", "11")
	text, trailer, err := decode(r, &sigv4.Signature{}, "")
	require.NoError(t, err)
	assert.Equal(t, "hello world", text)
	assert.Equal(t, "DUoRhQ==", trailer.Get("x-amz-checksum-crc32"))
}

func TestBrokenChunksAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"nothing at all":            "",
		"no last chunk":             "5\r\nhello\r\n",
		"a chunk that ends early":   "5\r\nhel",
		"a chunk that ends late":    "5\r\nhello!\r\n0\r\n\r\n",
		"no size":                   "x\r\nhello\r\n0\r\n\r\n",
		"a negative size":           "-5\r\nhello\r\n0\r\n\r\n",
		"a size beyond numbers":     "ffffffffffffffffff\r\nhello",
		"a line without end":        strings.Repeat("0", 1<<20),
		"a trailer without a colon": "0\r\nx-amz-checksum\r\n\r\n",
		"a trailer cut off":         "0\r\nx-amz-checksum-crc32:ab",
		"trailers without end":      "0\r\n" + strings.Repeat("a:b\r\n", 100),
	} {
		_, _, err := decode(put(t, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", body), &sigv4.Signature{}, "")
		assert.ErrorIs(t, err, sigv4.ErrChunk, name)
	}
}

// published is the example of the S3 API Reference: 65 KiB of the letter a in
// chunks of 64 KiB and 1 KiB.
func published() (signature *sigv4.Signature, secret, body string) {
	signature = &sigv4.Signature{
		Date: "20130524", Region: "us-east-1", Service: "s3", Time: time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC),
		Value: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	}
	chunk := func(size int, signature string) string {
		return fmt.Sprintf("%x;chunk-signature=%s\r\n%s\r\n", size, signature, strings.Repeat("a", size))
	}
	return signature, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", chunk(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648") +
		chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497") +
		chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")
}

func TestThePublishedSignedChunksAreVerified(t *testing.T) {
	signature, secret, body := published()
	text, _, err := decode(put(t, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", body), signature, secret)
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("a", 66560), text)
}

func TestAChangedChunkIsRefused(t *testing.T) {
	signature, secret, body := published()
	changed := strings.Replace(body, "aaaa", "aaba", 1)
	_, _, err := decode(put(t, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", changed), signature, secret)
	require.ErrorIs(t, err, sigv4.ErrMismatch)
	_, _, err = decode(put(t, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "5\r\nhello\r\n0\r\n\r\n"), signature, secret)
	require.ErrorIs(t, err, sigv4.ErrChunk, "unsigned chunks where signed ones were announced")
}

func TestTheHashOfABodyIsVerified(t *testing.T) {
	const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	text, _, err := decode(put(t, hello, "hello"), &sigv4.Signature{}, "")
	require.NoError(t, err)
	assert.Equal(t, "hello", text)
	_, _, err = decode(put(t, hello, "hallo"), &sigv4.Signature{}, "")
	require.ErrorIs(t, err, sigv4.ErrHash)
	_, _, err = decode(put(t, "nonsense", "hello"), &sigv4.Signature{}, "")
	require.ErrorIs(t, err, sigv4.ErrHash)
}

func FuzzChunks(f *testing.F) {
	f.Add([]byte("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:ab==\r\n\r\n"), false)
	f.Add([]byte("5;chunk-signature=ab\r\nhello\r\n0;chunk-signature=ab\r\n\r\n"), true)
	f.Fuzz(func(t *testing.T, body []byte, signed bool) {
		hash := "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		if signed {
			hash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
		}
		text, _, err := decode(put(t, hash, string(body)), &sigv4.Signature{}, "secret")
		switch {
		case err == nil && signed:
			require.Fail(t, "these chunks are not signed")
		case err == nil:
			require.LessOrEqual(t, len(text), len(body))
			require.True(t, bytes.Contains(body, []byte("0")))
		default:
			require.True(t, errors.Is(err, sigv4.ErrChunk) || errors.Is(err, sigv4.ErrMismatch), "%v", err)
		}
	})
}
