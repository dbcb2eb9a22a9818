package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

// formsOf returns the encodings of a secret: plain, escaped for a URL or for JSON, and
// inside base64.
func formsOf(secret string) []string {
	if len(secret) < shortest {
		return nil
	}
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), jsonEscaped(secret)}
	for before := range 3 {
		inner := insideBase64(secret, before)
		urlSafe := strings.NewReplacer("+", "-", "/", "_").Replace(inner)
		forms = append(forms, inner, urlSafe)
	}
	return forms
}

// insideBase64 returns the base64 text that is the same for every neighbour when the number of
// bytes before it, modulo 3, is before. A basic-auth header carries
// base64("user:token"), so that the token starts anywhere in a group of three.
// Characters that depend on the neighbours are left out.
func insideBase64(secret string, before int) string {
	encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
	first := (before*8 + 5) / 6 // the first character that holds bits of the secret only
	last := (before + len(secret)) * 8 / 6
	return encoded[first:last]
}

func jsonEscaped(secret string) string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		return secret
	}
	return strings.Trim(string(quoted), `"`)
}
