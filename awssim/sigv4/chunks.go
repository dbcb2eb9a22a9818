package sigv4

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	maxChunkLine    = 4 << 10
	maxTrailerLines = 32
)

func decodedLength(r *http.Request) int64 {
	length, err := strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return -1
	}
	return length
}

// chunkReader decodes aws-chunked: "<hex size>[;chunk-signature=…]\r\n<bytes>\r\n",
// a chunk of size 0, then trailer lines.
type chunkReader struct {
	from    *bufio.Reader
	trailer http.Header
	signer  *chunkSigner // nil for unsigned chunks
	left    int64
	open    bool // inside a chunk
	err     error
}

func newChunkReader(from io.Reader, trailer http.Header) *chunkReader {
	return &chunkReader{from: bufio.NewReaderSize(from, 64<<10), trailer: trailer}
}

// Read gives decoded bytes; errors wrap ErrChunk or are ErrMismatch.
func (c *chunkReader) Read(p []byte) (int, error) {
	for c.err == nil && c.left == 0 {
		c.err = c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.signer.write(p[:n])
	if err != nil {
		c.err = malformed("it ends within a chunk")
		return n, c.err
	}
	return n, nil
}

// next closes the chunk at hand and opens the following one.
func (c *chunkReader) next() error {
	if c.open {
		if err := c.closeChunk(); err != nil {
			return err
		}
	}
	line, err := c.line()
	if errors.Is(err, io.EOF) {
		return malformed("the last chunk is missing")
	}
	if err != nil {
		return err
	}
	size, extension, _ := strings.Cut(line, ";")
	c.left, err = strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || c.left < 0 {
		return malformed(fmt.Sprintf("%q is no chunk size", size))
	}
	if err := c.signer.start(extension); err != nil {
		return err
	}
	if c.left == 0 {
		return c.finish()
	}
	c.open = true
	return nil
}

func (c *chunkReader) closeChunk() error {
	c.open = false
	end := make([]byte, 2)
	if _, err := io.ReadFull(c.from, end); err != nil || string(end) != "\r\n" {
		return malformed("a chunk does not end where it said")
	}
	return c.signer.check()
}

// finish reads the trailers after the last chunk; io.EOF says that all is well.
func (c *chunkReader) finish() error {
	if err := c.signer.check(); err != nil {
		return err
	}
	for range maxTrailerLines {
		line, err := c.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if line == "" {
			if err := c.signer.checkTrailer(c.trailer); err != nil {
				return err
			}
			return io.EOF
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return malformed("a trailer has no colon")
		}
		c.trailer.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return malformed("too many trailers")
}

// line reads up to a line feed; io.EOF says that nothing is left.
func (c *chunkReader) line() (string, error) {
	var line []byte
	for {
		part, err := c.from.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxChunkLine:
			return "", malformed("a line is too long")
		case err == nil:
			return strings.TrimRight(string(line), "\r\n"), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) == 0:
			return "", io.EOF
		default:
			return "", malformed("it ends within a line")
		}
	}
}

func malformed(why string) error { return fmt.Errorf("%w: %s", ErrChunk, why) }

// chunkSigner verifies the chain of chunk signatures. A nil one accepts all.
type chunkSigner struct {
	signature *Signature
	key       []byte
	previous  string
	want      string
	hash      hash.Hash
}

func (c *chunkSigner) start(extension string) error {
	if c == nil {
		return nil
	}
	value, ok := strings.CutPrefix(extension, "chunk-signature=")
	if !ok {
		return malformed("a chunk has no signature")
	}
	c.want, c.hash = value, sha256.New()
	return nil
}

func (c *chunkSigner) write(p []byte) {
	if c != nil {
		c.hash.Write(p)
	}
}

func (c *chunkSigner) check() error {
	if c == nil {
		return nil
	}
	text := strings.Join([]string{
		algorithm + "-PAYLOAD", c.signature.Time.Format(timeFormat), c.signature.scope(), c.previous,
		EmptyHash, hex.EncodeToString(c.hash.Sum(nil)),
	}, "\n")
	return c.accept(text, c.want)
}

// checkTrailer verifies x-amz-trailer-signature, which covers the other trailers.
func (c *chunkSigner) checkTrailer(trailer http.Header) error {
	want := trailer.Get("X-Amz-Trailer-Signature")
	if c == nil || want == "" && len(trailer) == 0 {
		return nil
	}
	trailer.Del("X-Amz-Trailer-Signature")
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(trailer)) {
		fmt.Fprintf(hash, "%s:%s\n", strings.ToLower(name), trailer.Get(name))
	}
	text := strings.Join([]string{
		algorithm + "-TRAILER", c.signature.Time.Format(timeFormat), c.signature.scope(), c.previous,
		hex.EncodeToString(hash.Sum(nil)),
	}, "\n")
	return c.accept(text, want)
}

func (c *chunkSigner) accept(text, want string) error {
	got := hex.EncodeToString(mac(c.key, text))
	if !hmac.Equal([]byte(got), []byte(want)) {
		return ErrMismatch
	}
	c.previous = got
	return nil
}
