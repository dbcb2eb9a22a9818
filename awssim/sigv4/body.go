package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
)

// Values of x-amz-content-sha256 that are not a hash.
const (
	unsigned         = "UNSIGNED-PAYLOAD"
	unsignedTrailer  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	streaming        = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamingTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
)

// Errors of reading a body.
var (
	// ErrHash is a body that is not the one that was signed.
	ErrHash = errors.New("the provided 'x-amz-content-sha256' header does not match what was computed")
	// ErrChunk is an aws-chunked body that cannot be read.
	ErrChunk = errors.New("the aws-chunked body is malformed")
)

// Body is the decoded body of a verified request. The trailers are complete
// once it was read to its end.
type Body struct {
	io.Reader
	Trailer http.Header
	Length  int64 // of the decoded body; -1 when unknown
}

// PayloadHash is the hash a REST request declares: that of the header, or
// UNSIGNED-PAYLOAD for a presigned URL.
func (s *Signature) PayloadHash(r *http.Request) string {
	if declared := r.Header.Get("X-Amz-Content-Sha256"); declared != "" {
		return declared
	}
	return unsigned
}

// Open decodes the body as its payload hash says, checking hash or chunk
// signatures while it is read.
func (s *Signature) Open(r *http.Request, secret string) (*Body, error) {
	body := &Body{Reader: r.Body, Trailer: http.Header{}, Length: r.ContentLength}
	declared := s.PayloadHash(r)
	switch declared {
	case unsigned:
	case unsignedTrailer, streaming, streamingTrailer:
		chunks := newChunkReader(r.Body, body.Trailer)
		if declared != unsignedTrailer {
			chunks.signer = &chunkSigner{signature: s, key: s.key(secret), previous: s.Value}
		}
		body.Reader, body.Length = chunks, decodedLength(r)
		return body, nil
	default:
		if len(declared) != 2*sha256.Size {
			return nil, ErrHash
		}
		body.Reader = &hashedReader{from: r.Body, hash: sha256.New(), want: strings.ToLower(declared)}
	}
	return body, nil
}

// hashedReader fails at the end of a body that has another SHA-256.
type hashedReader struct {
	from io.Reader
	hash hash.Hash
	want string
}

func (h *hashedReader) Read(p []byte) (int, error) {
	n, err := h.from.Read(p)
	h.hash.Write(p[:n])
	if errors.Is(err, io.EOF) && hex.EncodeToString(h.hash.Sum(nil)) != h.want {
		return n, ErrHash
	}
	return n, err
}
