package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/redact"
)

// encodings are the ways in which a child may print a secret.
var encodings = map[string]func(random *rand.Rand, secret string) string{
	"plain": func(_ *rand.Rand, s string) string { return s },
	"JSON": func(_ *rand.Rand, s string) string {
		text, _ := json.Marshal(map[string]string{"v": s})
		return string(text)
	},
	"JSON of other languages": func(_ *rand.Rand, s string) string {
		var out strings.Builder
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(s)
		return strings.TrimSpace(out.String())
	},
	"JSON inside JSON": func(_ *rand.Rand, s string) string {
		inner, _ := json.Marshal(s)
		text, _ := json.Marshal(string(inner))
		return string(text)
	},
	"JSON of PHP": func(_ *rand.Rand, s string) string { return strings.ReplaceAll(strconv.Quote(s), "/", `\/`) },
	"quoted":      func(_ *rand.Rand, s string) string { return strconv.Quote(s) },
	"HTML":        func(_ *rand.Rand, s string) string { return "<b>" + html.EscapeString(s) + "</b>" },
	"XML": func(_ *rand.Rand, s string) string {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	},
	"HTML of Python": func(_ *rand.Rand, s string) string {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s)
	},
	"query":              func(_ *rand.Rand, s string) string { return "?v=" + url.QueryEscape(s) },
	"query, lower case":  func(_ *rand.Rand, s string) string { return lowerPercent(url.QueryEscape(s)) },
	"path":               func(_ *rand.Rand, s string) string { return "/" + url.PathEscape(s) },
	"encodeURIComponent": func(_ *rand.Rand, s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") },
	"user of a URL":      func(_ *rand.Rand, s string) string { return "https://" + url.UserPassword("me", s).String() + "@host/" },
	"shell":              func(_ *rand.Rand, s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" },
	"base64": func(random *rand.Rand, s string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("u", random.IntN(7)) + s + strings.Repeat("z", random.IntN(4))))
	},
	"base64 URL": func(random *rand.Rand, s string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("u", random.IntN(7)) + s + strings.Repeat("z", random.IntN(4))))
	},
}

func lowerPercent(text string) string {
	for i := 0; i+2 < len(text); i++ {
		if text[i] == '%' {
			text = text[:i] + strings.ToLower(text[i:i+3]) + text[i+3:]
		}
	}
	return text
}

const secretLetters = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+=_-.~"'<>&\;:@!*()# `

func randomSecret(random *rand.Rand) string {
	text := make([]byte, 20+random.IntN(60))
	for i := range text {
		text[i] = secretLetters[random.IntN(len(secretLetters))]
	}
	text[0], text[len(text)-1] = 'x', 'y' // a line is trimmed
	return string(text)
}

// TestNoSecretPassesInAnyEncodingSplitAnywhere is the property that a log relies on:
// whatever the secret, its encoding, the length of its line and the cuts between writes,
// no eight characters of what the child printed pass, and nothing else is lost.
func TestNoSecretPassesInAnyEncodingSplitAnywhere(t *testing.T) {
	for name, encode := range encodings {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(150) {
				random := rand.New(rand.NewPCG(seed, 7))
				secret := randomSecret(random)
				printed := encode(random, secret)
				harmless := fmt.Sprintf("harmless line %d of another", seed)
				line := printed
				if seed%10 == 0 { // the secret lies on the cut of an endless line
					line = strings.Repeat("-", 64<<10-random.IntN(2*len(printed))) + " " + printed + " " + strings.Repeat("-", 30<<10)
				}
				text := harmless + "\n" + line + "\n" + harmless + "\n"
				got := write(t, redact.New(secret), pieces(random, text)...)
				if name != "user of a URL" { // whose password is hidden in any case
					require.True(t, write(t, redact.New(), pieces(random, text)...) == text, "seed %d: who does not know the secret shows it", seed)
				}
				require.True(t, strings.Contains(got, redact.Mask), "seed %d: %q as %q", seed, secret, printed)
				require.False(t, strings.Contains(got, secret), "seed %d: %q as %q", seed, secret, printed)
				core := encode(rand.New(rand.NewPCG(seed, 7)), secret)
				shown := strings.ReplaceAll(got, harmless, "")
				for i := 0; i+12 <= len(core); i += 4 { // what surrounds the secret may stay
					if chunk := core[i : i+12]; !strings.Contains("{\"v\":\"?v=https://me:@host/<b></b>uuuuuuu"+base64.StdEncoding.EncodeToString([]byte("uuuuuuuuu")), chunk) {
						require.False(t, strings.Contains(shown, chunk), "seed %d: %q of %q as %q", seed, chunk, secret, printed)
					}
				}
				require.Equal(t, 2, strings.Count(got, harmless+"\n"), "seed %d", seed)
			}
		})
	}
}

// pieces splits text at random, also byte by byte.
func pieces(random *rand.Rand, text string) (all []string) {
	most := []int{1, 7, 100, 5000, 100_000}[random.IntN(5)]
	if len(text) > 10_000 {
		most = max(most, 1000)
	}
	for text != "" {
		n := min(len(text), 1+random.IntN(most))
		all, text = append(all, text[:n]), text[n:]
	}
	return all
}

func TestAStrayFirstLineOfAKeyHidesNothingElse(t *testing.T) {
	const begin = "-----BEGIN RSA PRIVATE" + " KEY-----"
	body := strings.Repeat("Ab0/", 16)
	for name, c := range map[string]struct{ text, want string }{
		"alone":                       {begin + "\n{\"msg\":\"ours\"}\n", "[redacted]\n{\"msg\":\"ours\"}\n"},
		"in a sentence":               {"looking for " + begin + " in files\nours\n", "looking for [redacted] in files\nours\n"},
		"in JSON":                     {`{"text":"` + begin + `","other":"shown"}` + "\n", `{"text":"[redacted]","other":"shown"}` + "\n"},
		"with a body that is cut":     {begin + "\n" + body + "\n" + body + "\nours\n", "[redacted]\nours\n"},
		"of a whole key":              {"a\n" + begin + "\n" + body + "\nAb0=\n-----END RSA PRIVATE" + " KEY-----\nours\n", "a\n[redacted]\nours\n"},
		"with headers":                {begin + "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A\n\n" + body + "\n-----END RSA PRIVATE" + " KEY-----\nb\n", "[redacted]\nb\n"},
		"of a key in JSON":            {`{"k":"` + begin + `\n` + body + `\nAb0=\n-----END RSA PRIVATE` + ` KEY-----\n","o":1}` + "\n", `{"k":"[redacted]\n","o":1}` + "\n"},
		"of a key in JSON, cut":       {`{"k":"` + begin + `\n` + body + `","o":1}` + "\n", `{"k":"[redacted]","o":1}` + "\n"},
		"of a key on one line":        {"K=" + begin + " " + body + " " + body + " -----END RSA PRIVATE" + " KEY----- next\n", "K=[redacted] next\n"},
		"indented":                    {"k: |\n  " + begin + "\n  " + body + "\n  -----END RSA PRIVATE" + " KEY-----\nnext: 1\n", "k: |\n  [redacted]\nnext: 1\n"},
		"with the lines of Windows":   {begin + "\r\n" + body + "\r\n-----END RSA PRIVATE" + " KEY-----\r\nnext\r\n", "[redacted]\r\nnext\r\n"},
		"twice":                       {begin + "\n" + begin + "\nours\n", "[redacted]\n[redacted]\nours\n"},
		"and a word as the last line": {begin + "\ndeployed fine\nprod\n", "[redacted]\ndeployed fine\nprod\n"},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, redact.New().String(c.text), "at once")
			assert.Equal(t, c.want, write(t, redact.New(), c.text), "in one write")
			assert.Equal(t, c.want, write(t, redact.New(), strings.SplitAfter(c.text, "\n")...), "line by line")
			assert.Equal(t, c.want, write(t, redact.New(), strings.Split(c.text, "")...), "byte by byte")
		})
	}
}

func TestANameBeforeAnEndlessLinesCutStillMakesItsValueKnown(t *testing.T) {
	for shift := range 60 {
		text := strings.Repeat("-", 64<<10-shift) + " AWS_SECRET_ACCESS_KEY=" + secretKey + " " + strings.Repeat("-", 20<<10) + "\n"
		assert.NotContains(t, write(t, redact.New(), text[:70<<10], text[70<<10:]), secretKey, "shift %d", shift)
	}
}
