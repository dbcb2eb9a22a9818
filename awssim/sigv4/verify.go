package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/aws-http-auth/credentials"
	"github.com/aws/smithy-go/aws-http-auth/sigv4"
	httpauth "github.com/aws/smithy-go/aws-http-auth/v4"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// maxSkew is how far the clock of a client may be off.
const maxSkew = 15 * time.Minute

// EmptyHash is the SHA-256 of no bytes, in hex.
const EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Verify signs the request again with the secret, by the SDK's own signer, and
// compares. The payload hash is the value of x-amz-content-sha256, or the
// SHA-256 of the body in hex where that header is not used. The time is that of
// the machine, not of the simulator: it is the client's clock that is compared.
func (s *Signature) Verify(r *http.Request, secret, payloadHash string, now time.Time) error {
	if err := s.checkTime(now); err != nil {
		return err
	}
	again, err := s.resign(r, secret, payloadHash)
	if err != nil || !hmac.Equal([]byte(again), []byte(s.Value)) {
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

// resign gives the signature that AWS's own code makes of the request's signed
// parts.
func (s *Signature) resign(r *http.Request, secret, payloadHash string) (string, error) {
	again := s.signedParts(r)
	if !s.Presigned && slices.Contains(s.Headers, "content-length") && r.ContentLength <= 0 {
		return s.resignEmpty(again, secret, payloadHash)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableHeaderHoisting, o.DisableURIPathEscaping = true, s.Service == "s3"
	})
	credentials := aws.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: secret}
	if s.Presigned {
		address, _, err := signer.PresignHTTP(r.Context(), credentials, again, payloadHash, s.Service, s.Region, s.Time)
		return afterLast(address, "="), err
	}
	err := signer.SignHTTP(r.Context(), credentials, again, payloadHash, s.Service, s.Region, s.Time)
	return afterLast(again.Header.Get("Authorization"), "="), err
}

// resignEmpty signs the length of an empty body too, as the SDK for JavaScript
// does for an empty file. The signer of the SDK for Go leaves that header out.
func (s *Signature) resignEmpty(again *http.Request, secret, payloadHash string) (string, error) {
	hash := httpauth.UnsignedPayload()
	if payloadHash != unsigned {
		var err error
		if hash, err = hex.DecodeString(payloadHash); err != nil {
			return "", err
		}
	}
	again.Header.Set("Content-Length", "0")
	err := sigv4.New().SignRequest(&sigv4.SignRequestInput{
		Request: again, PayloadHash: hash, Credentials: credentials.Credentials{AccessKeyID: s.AccessKey, SecretAccessKey: secret},
		Service: s.Service, Region: s.Region, Time: s.Time,
	}, func(o *httpauth.SignerOptions) {
		o.HeaderRules, o.DisableDoublePathEscape = allHeaders{}, s.Service == "s3"
	})
	return afterLast(again.Header.Get("Authorization"), "="), err
}

// allHeaders signs every header that a request has.
type allHeaders struct{}

// IsSigned is true.
func (allHeaders) IsSigned(string) bool { return true }

func afterLast(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }

// signedParts is the request with the headers that its signature covers alone.
func (s *Signature) signedParts(r *http.Request) *http.Request {
	query := r.URL.Query()
	if s.Presigned {
		query.Del("X-Amz-Signature")
	}
	parts := &http.Request{
		Method: r.Method, Host: r.Host, Header: http.Header{},
		URL: &url.URL{Host: r.Host, Path: r.URL.Path, RawPath: httpbinding.EscapePath(r.URL.Path, false), RawQuery: query.Encode()},
	}
	for _, name := range s.Headers {
		switch {
		case name == "content-length":
			parts.ContentLength = r.ContentLength
		case name != "host":
			for _, value := range r.Header.Values(name) {
				parts.Header.Add(name, strings.Join(strings.Fields(value), " "))
			}
		}
	}
	return parts
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
