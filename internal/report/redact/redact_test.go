package redact_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
		"gitlab token":          {"glpat-" + strings.Repeat("a-1_", 5) + " x", "[redacted] x"},
		"gitlab routable token": {"glpat-" + strings.Repeat("aB1", 9) + ".01." + "1a2b3c4d5", "[redacted]"},
		"slack bot token":       {"SLACK=xoxb-" + "1234567890-1234567890-abcDEF", "SLACK=[redacted]"},
		"slack app token":       {`"xapp-` + `1-A0123-456-abcdef"`, `"[redacted]"`},
		"web identity":          {"jwt " + jwt, "jwt [redacted]"},
		"password in URL":       {"https://bob:hunter2@github.com/x", "https://[redacted]@github.com/x"},
		"authorization header":  {"Authorization: Bearer abc.def-123", "Authorization: Bearer [redacted]"},
		"token in base64":       {"x=" + base64.StdEncoding.EncodeToString([]byte("user:"+githubToken)) + " y", "x=[redacted] y"},
		"its URL alphabet":      {base64.RawURLEncoding.EncodeToString([]byte("??>>"+githubToken)) + " y", "[redacted] y"},
		"private key in base64": {"client-key-data: " + base64.StdEncoding.EncodeToString([]byte(privateKey)) + "\n", "client-key-data: [redacted]\n"},
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

// Programs wrap base64 at 60 to 76 characters, and each line may be written alone.
func TestNoPartOfASecretIsReadableInWrappedBase64(t *testing.T) {
	for _, secret := range []string{secretKey, strings.Repeat(secretKey, 8)} {
		for _, width := range []int{50, 60, 64, 76} {
			for before := range 80 {
				encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret + " and what follows"))
				var lines []string
				for len(encoded) > width {
					lines, encoded = append(lines, encoded[:width]), encoded[width:]
				}
				r := redact.New(secret)
				for _, text := range []string{strings.Join(append(lines, encoded), "\n"), strings.Join(append(lines, encoded), `\n`)} {
					shown := r.String(text)
					rest := strings.NewReplacer("\n", "", `\n`, "", redact.Mask, "\n").Replace(shown)
					for line := range strings.Lines(rest) {
						for offset := range 4 {
							decoded, _ := base64.RawStdEncoding.DecodeString(strings.TrimSpace(line[min(offset, len(line)):]))
							require.NotContains(t, string(decoded), secret[:7], "width %d after %d bytes", width, before)
							require.NotContains(t, string(decoded), secret[len(secret)-7:], "width %d after %d bytes", width, before)
						}
					}
				}
			}
		}
	}
}
