package redact_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// Built at run time, so that no scanner reports this file as a leak.
var (
	accessKey   = "AKIA" + "IOSFODNN7EXAMPLE"
	secretKey   = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
	githubToken = "ghp_" + strings.Repeat("aB3", 12)
	jwt         = "eyJhbGciOiJSUzI1NiJ9." + "eyJpc3MiOiJrdWJlIn0." + "c2lnbmF0dXJlLWhlcmU"
	privateKey  = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEowIBAAKCAQEA\nx8Qz0Yb1\n-----END RSA PRIVATE" + " KEY-----"
)

func TestWellKnownPatternsAreMasked(t *testing.T) {
	cases := map[string]struct{ text, want string }{
		"access key id":         {"id " + accessKey + " end", "id [redacted] end"},
		"temporary access key":  {"ASIA" + "IOSFODNN7EXAMPLE", "[redacted]"},
		"secret in environment": {"AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_SECRET_ACCESS_KEY=[redacted]"},
		"secret in JSON":        {`{"SecretAccessKey": "` + secretKey + `"}`, `{"SecretAccessKey": "[redacted]"}`},
		"session token":         {"AWS_SESSION_TOKEN=" + strings.Repeat("Ab/+", 20), "AWS_SESSION_TOKEN=[redacted]"},
		"github token":          {"token=" + githubToken + "!", "token=[redacted]!"},
		"fine-grained token":    {"github_pat_" + strings.Repeat("x1_", 20), "[redacted]"},
		"web identity":          {"jwt " + jwt, "jwt [redacted]"},
		"password in URL":       {"https://bob:hunter2@github.com/x", "https://[redacted]@github.com/x"},
		"authorization header":  {"Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"},
		"private key":           {"a\n" + privateKey + "\nb", "a\n[redacted]\nb"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, redact.New().String(c.text))
		})
	}
}

func TestHarmlessTextIsUnchanged(t *testing.T) {
	for _, text := range []string{
		"", "npm run build", "commit 5a105e8b9d40e1329780d62ea2265d8a5a105e8b", "https://github.com/aphex/shop.git",
		"AKIA is a prefix", "the secret key is under the mat", "sha256:" + strings.Repeat("ab", 32), "eyJ not a token",
	} {
		assert.Equal(t, text, redact.New("dev", "").String(text))
	}
}

func TestASecretIsMaskedInEveryEncoding(t *testing.T) {
	secret := `p@ss/w"rd+1 €`
	r := redact.New(secret)
	forms := map[string]string{
		"plain":        secret,
		"query":        url.QueryEscape(secret),
		"path":         url.PathEscape(secret),
		"JSON":         `p@ss/w\"rd+1 €`,
		"base64":       base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 URL":   base64.URLEncoding.EncodeToString([]byte(secret)),
		"basic auth":   base64.StdEncoding.EncodeToString([]byte("x-access-token:" + secret)),
		"basic auth 1": base64.StdEncoding.EncodeToString([]byte("user:" + secret + "\n")),
		"basic auth 2": base64.StdEncoding.EncodeToString([]byte("me:" + secret + "z")),
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			got := r.String("<" + form + ">")
			assert.Contains(t, got, redact.Mask)
			assert.Less(t, len(strings.ReplaceAll(got, redact.Mask, "")), len("<")+len(">")+26,
				"no more may remain than the neighbours of the secret: %s", got)
		})
	}
}

func TestOverlappingSecretsAreMaskedWhole(t *testing.T) {
	assert.Equal(t, "x[redacted]y", redact.New("abcabc", "bcabcd").String("xabcabcdy"))
	assert.Equal(t, "[redacted]", redact.New("abcabc").String("abcabcabc"))
}

func TestEachLineOfAMultiLineSecretIsMasked(t *testing.T) {
	r := redact.New("first-line\r\n  second-line\n\nthree")
	assert.Equal(t, "[redacted] and [redacted] and three", r.String("first-line and second-line and three"))
}

func TestTheZeroValueMasksPatternsAndTakesSecrets(t *testing.T) {
	var r redact.Redactor
	assert.Equal(t, "[redacted] hunter22", r.String(accessKey+" hunter22"))
	r.Add("hunter22")
	assert.Equal(t, "[redacted]", r.String("hunter22"))
}
