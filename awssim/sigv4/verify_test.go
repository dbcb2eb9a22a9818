package sigv4_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/sigv4"
)

const (
	accessKey = "AKIDEXAMPLE"
	secret    = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var now = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// get makes a request as a server sees it.
func get(t *testing.T, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, target, http.NoBody)
	require.NoError(t, err)
	r.Host = r.URL.Host
	return r
}

// signed is signed by the SDK's own signer.
func signed(t *testing.T, target, service, hash string) *http.Request {
	t.Helper()
	r := get(t, target)
	r.Header.Set("X-Amz-Content-Sha256", hash)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	require.NoError(t, signer.SignHTTP(context.Background(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}, r, hash, service, "us-east-1", now))
	return r
}

func verify(r *http.Request, secret, hash string, at time.Time) error {
	signature, err := sigv4.Parse(r)
	if err != nil {
		return err
	}
	return signature.Verify(r, secret, hash, at)
}

func TestThePublishedExampleIsVerified(t *testing.T) { // get-vanilla of AWS's test suite
	r := get(t, "http://example.amazonaws.com/")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "+
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
	require.NoError(t, verify(r, secret, sigv4.EmptyHash, now))
}

func TestWhatTheSDKSignsIsVerified(t *testing.T) {
	for _, target := range []string{
		"http://127.0.0.1:1234/", "http://127.0.0.1:1234", "http://h/bucket/a%20b%2Bc/d~e", "http://h/bucket//a/../b", "http://h/bucket/%C3%A9%25",
		"http://h/bucket?list-type=2&prefix=a%2Fb&delimiter=%2F", "http://h/bucket?uploads", "http://h/b/k?b=2&a=1&a=0&empty=", "http://h/b/k?x=a%20b%2Bc*",
	} {
		for _, service := range []string{"s3", "sts"} {
			if service == "sts" && strings.Contains(target, "..") {
				continue // only S3 has such paths
			}
			assert.NoError(t, verify(signed(t, target, service, sigv4.EmptyHash), secret, sigv4.EmptyHash, now), "%s %s", service, target)
		}
	}
}

// TestTheSignedLengthOfAnEmptyBodyIsVerified has a request of the CDK CLI's SDK for JavaScript: it signs a content-length of 0.
func TestTheSignedLengthOfAnEmptyBodyIsVerified(t *testing.T) {
	r := get(t, "http://h/bucket/an%20empty%20file")
	r.Method = http.MethodPut
	r.Header.Set("X-Amz-Content-Sha256", sigv4.EmptyHash)
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/s3/aws4_request, "+
		"SignedHeaders=content-length;host;x-amz-content-sha256;x-amz-date, Signature=fb98dfbc4a568adfd56a2085bde855a714decf24420809ba8bf8882de2ff4ae7")
	require.NoError(t, verify(r, secret, sigv4.EmptyHash, now))
	require.ErrorIs(t, verify(r, secret, "UNSIGNED-PAYLOAD", now), sigv4.ErrMismatch)
	require.ErrorIs(t, verify(r, secret, "no hash", now), sigv4.ErrMismatch)
	r.ContentLength = 1
	require.ErrorIs(t, verify(r, secret, sigv4.EmptyHash, now), sigv4.ErrMismatch)
}

func TestAChangedRequestIsRefused(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"method": func(r *http.Request) { r.Method = http.MethodPut },
		"path":   func(r *http.Request) { r.URL.Path = "/bucket/other" },
		"query":  func(r *http.Request) { r.URL.RawQuery = "versionId=1" },
		"host":   func(r *http.Request) { r.Host = "elsewhere" },
		"header": func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") },
		"scope": func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "us-east-1", "us-east-2", 1))
		},
	} {
		r := signed(t, "http://h/bucket/key", "s3", sigv4.EmptyHash)
		change(r)
		assert.ErrorIs(t, verify(r, secret, sigv4.EmptyHash, now), sigv4.ErrMismatch, name)
	}
	r := signed(t, "http://h/bucket/key", "s3", sigv4.EmptyHash)
	require.ErrorIs(t, verify(r, secret+"x", sigv4.EmptyHash, now), sigv4.ErrMismatch)
	require.ErrorIs(t, verify(r, secret, "UNSIGNED-PAYLOAD", now), sigv4.ErrMismatch)
}

func TestAnOldSignatureIsRefused(t *testing.T) {
	r := signed(t, "http://h/bucket/key", "s3", sigv4.EmptyHash)
	require.NoError(t, verify(r, secret, sigv4.EmptyHash, now.Add(14*time.Minute)))
	require.ErrorIs(t, verify(r, secret, sigv4.EmptyHash, now.Add(16*time.Minute)), sigv4.ErrSkewed)
	require.ErrorIs(t, verify(r, secret, sigv4.EmptyHash, now.Add(-16*time.Minute)), sigv4.ErrSkewed)
}

func presigned(t *testing.T, expires string) *http.Request {
	t.Helper()
	r := get(t, "http://h/bucket/key?X-Amz-Expires="+expires)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	address, _, err := signer.PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret, SessionToken: "t/o+k"}, r,
		"UNSIGNED-PAYLOAD", "s3", "us-east-1", now)
	require.NoError(t, err)
	return get(t, address)
}

func TestAPresignedURLHoldsUntilItExpires(t *testing.T) {
	r := presigned(t, "3600")
	signature, err := sigv4.Parse(r)
	require.NoError(t, err)
	assert.Equal(t, "t/o+k", signature.Token)
	assert.Equal(t, time.Hour, signature.Expires)
	require.NoError(t, signature.Verify(r, secret, signature.PayloadHash(r), now.Add(59*time.Minute)))
	require.ErrorIs(t, signature.Verify(r, secret, signature.PayloadHash(r), now.Add(61*time.Minute)), sigv4.ErrExpired)
}

func TestUnreadableSignaturesAreRefused(t *testing.T) {
	header := func(value string) *http.Request {
		r := get(t, "http://h/")
		r.Header.Set("X-Amz-Date", "20150830T123600Z")
		r.Header.Set("Authorization", value)
		return r
	}
	const scope = "Credential=K/20150830/us-east-1/s3/aws4_request"
	for name, r := range map[string]*http.Request{
		"another algorithm":       header("Basic abc"),
		"no scope":                header("AWS4-HMAC-SHA256 Credential=K, SignedHeaders=host, Signature=x"),
		"an empty region":         header("AWS4-HMAC-SHA256 Credential=K/20150830//s3/aws4_request, SignedHeaders=host, Signature=x"),
		"the host is not signed":  header("AWS4-HMAC-SHA256 " + scope + ", SignedHeaders=x-amz-date, Signature=x"),
		"the date is of the past": header("AWS4-HMAC-SHA256 " + strings.Replace(scope, "20150830", "20150829", 1) + ", SignedHeaders=host, Signature=x"),
		"a query with no end":     presigned(t, "99999999"),
		"a broken query":          {URL: &url.URL{RawQuery: "a=%zz"}},
	} {
		_, err := sigv4.Parse(r)
		require.ErrorIs(t, err, sigv4.ErrMalformed, name)
	}
	_, err := sigv4.Parse(get(t, "http://h/"))
	require.ErrorIs(t, err, sigv4.ErrUnsigned)
}

func FuzzParse(f *testing.F) {
	f.Add("AWS4-HMAC-SHA256 Credential=K/20150830/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x", "20150830T123600Z", "a=b")
	f.Add("", "", "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=-1&X-Amz-Credential=a/b/c/d/e")
	f.Fuzz(func(t *testing.T, authorization, date, query string) {
		r := &http.Request{Method: http.MethodGet, Host: "h", Header: http.Header{}, URL: &url.URL{Path: "/", RawQuery: query}}
		r.Header.Set("Authorization", authorization)
		r.Header.Set("X-Amz-Date", date)
		if signature, err := sigv4.Parse(r); err == nil {
			require.Error(t, signature.Verify(r, secret, sigv4.EmptyHash, now), "this is not signed")
		}
	})
}
