package redact

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// formsOf returns the texts in which a secret appears: as it is, escaped for a URL, for
// JSON, for HTML and XML, for a shell or in Go's quotes, and inside base64.
func formsOf(secret string) []string {
	if len(secret) < Shortest {
		return nil
	}
	escaped := jsonEscaped(secret)
	forms := []string{
		secret, escaped, jsonEscaped(escaped), unquoted(strconv.Quote(secret)), unquoted(strconv.QuoteToASCII(secret)),
		strings.ReplaceAll(plainJSON.Replace(secret), "/", `\/`), plainJSON.Replace(secret), plainJSON.Replace(plainJSON.Replace(secret)),
		strings.ReplaceAll(secret, `'`, `'\''`),
	}
	for _, encoded := range []string{
		url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"),
		component.Replace(url.QueryEscape(secret)), url.UserPassword("", secret).String()[1:],
	} {
		forms = append(forms, encoded, percent.ReplaceAllStringFunc(encoded, strings.ToLower))
	}
	for _, quote := range []string{`"`, "&quot;", "&#34;", "&#x22;"} {
		for _, apostrophe := range []string{"'", "&apos;", "&#39;", "&#x27;", "&#039;"} {
			forms = append(forms, strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, quote, "'", apostrophe).Replace(secret))
		}
	}
	for _, inner := range base64Forms(secret) {
		forms = append(forms, inner, strings.ReplaceAll(inner, "/", `\/`), url.QueryEscape(inner))
	}
	return forms
}

// base64Forms returns the texts in which a secret appears inside base64, for each place
// in a group of three, and in both alphabets.
func base64Forms(secret string) (forms []string) {
	if len(secret) < Shortest {
		return nil
	}
	for before := range 3 {
		inner := insideBase64(secret, before)
		forms = append(forms, inner)
		if urlSafe := strings.NewReplacer("+", "-", "/", "_").Replace(inner); urlSafe != inner {
			forms = append(forms, urlSafe)
		}
	}
	return forms
}

var (
	// plainJSON escapes as JSON demands it; Go's encoder escapes <, > and & besides.
	plainJSON = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`)
	// component leaves what encodeURIComponent leaves.
	component = strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*")
	percent   = regexp.MustCompile(`%[0-9A-F]{2}`)
)

// insideBase64 returns what base64 always makes of secret when the number of
// bytes before it, modulo 3, is before. A basic-auth header has
// base64("user:token"), so that the token starts anywhere in a group of three.
// The characters that also depend on the neighbours are left out.
func insideBase64(secret string, before int) string {
	encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
	first := (before*8 + 5) / 6 // the first character that has only bits of the secret
	last := (before + len(secret)) * 8 / 6
	return encoded[first:last]
}

func jsonEscaped(secret string) string {
	quoted, err := json.Marshal(secret)
	if err != nil {
		return secret
	}
	return unquoted(string(quoted))
}

func unquoted(text string) string { return text[1 : len(text)-1] }
