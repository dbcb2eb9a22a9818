package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSkew is how far the clock of a client may be off.
const maxSkew = 15 * time.Minute

// EmptyHash is the SHA-256 of no bytes, in hex.
const EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Verify recomputes the signature with the secret. The payload hash is the
// value of x-amz-content-sha256, or the SHA-256 of the body in hex where that
// header is not used. The time is that of the machine, not of the simulator:
// it is the client's clock that is compared.
func (s *Signature) Verify(r *http.Request, secret, payloadHash string, now time.Time) error {
	if err := s.checkTime(now); err != nil {
		return err
	}
	if !hmac.Equal([]byte(s.sign(secret, s.stringToSign(r, payloadHash))), []byte(s.Value)) {
		return ErrMismatch
	}
	return nil
}

func (s *Signature) checkTime(now time.Time) error {
	if s.Presigned && now.After(s.Time.Add(s.Expires)) {
		return ErrExpired
	}
	if s.Time.After(now.Add(maxSkew)) || !s.Presigned && s.Time.Before(now.Add(-maxSkew)) {
		return ErrSkewed
	}
	return nil
}

func (s *Signature) stringToSign(r *http.Request, payloadHash string) string {
	canonical := strings.Join([]string{
		r.Method, s.canonicalPath(r.URL), s.canonicalQuery(r.URL.Query()),
		s.canonicalHeaders(r), strings.Join(s.Headers, ";"), payloadHash,
	}, "\n")
	hash := sha256.Sum256([]byte(canonical))
	return strings.Join([]string{algorithm, s.Time.Format(timeFormat), s.scope(), hex.EncodeToString(hash[:])}, "\n")
}

func (s *Signature) sign(secret, text string) string {
	return hex.EncodeToString(mac(s.key(secret), text))
}

func (s *Signature) key(secret string) []byte {
	key := mac([]byte("AWS4"+secret), s.Date)
	key = mac(key, s.Region)
	key = mac(key, s.Service)
	return mac(key, "aws4_request")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalPath encodes the path once for S3; for every other service the path
// is normalized and encoded twice.
func (s *Signature) canonicalPath(u *url.URL) string {
	if u.Path == "" {
		return "/"
	}
	if s.Service == "s3" {
		return encode(u.Path, false)
	}
	clean := path.Clean(u.Path)
	if strings.HasSuffix(u.Path, "/") && clean != "/" {
		clean += "/"
	}
	return encode(encode(clean, false), false)
}

func (s *Signature) canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		if s.Presigned && name == "X-Amz-Signature" {
			continue
		}
		for _, value := range values {
			pairs = append(pairs, encode(name, true)+"="+encode(value, true))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func (s *Signature) canonicalHeaders(r *http.Request) string {
	var b strings.Builder
	for _, name := range s.Headers {
		values := r.Header.Values(name)
		switch {
		case name == "host":
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0:
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
		trimmed := make([]string, len(values))
		for i, value := range values {
			trimmed[i] = strings.Join(strings.Fields(value), " ")
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(trimmed, ","))
	}
	return b.String()
}

// encode is AWS's URI encoding: everything but the unreserved characters.
func encode(text string, slash bool) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0,
			c == '/' && !slash:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
