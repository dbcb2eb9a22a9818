package redact

import "strings"

const pemBegin = "-----BEGIN "

var (
	keyBegin = compiled(`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----`)
	keyEnd   = compiled(`^-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----`)
	// keySeparator stands between the lines of a key: line ends, also escaped in JSON,
	// and the space in their place when a key is written on one line.
	keySeparator = compiled(`^(?:[ \t\r\n]|\\+[rnt])+`)
	keyHeader    = compiled(`^(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID): ?[^\r\n\\]{0,200}`)
)

// shortLine is the length in characters below which the last line of a key looks like a word.
const shortLine = 16

// findKeys appends the private keys of s: from their first line to the last one, or to
// where the text no longer looks like a key.
func findKeys(found []span, s string) []span {
	if !strings.Contains(s, pemBegin) {
		return found
	}
	for from := 0; ; {
		begin := keyBegin().FindStringIndex(s[from:])
		if begin == nil {
			return found
		}
		start, body := from+begin[0], from+begin[1]
		n, state := keyBody(s[body:])
		found = append(found, span{start: start, end: body + n, from: start, openKey: state == keyOpen})
		from = body + n
	}
}

// keyState says how a private key goes on.
type keyState int

const (
	keyOpen   keyState = iota // it may go on behind the text
	keyEnded                  // its last line was there
	keyBroken                 // what follows is no key
)

// keyBody returns how many bytes of the text belong to a key whose first line precedes it.
func keyBody(text string) (n int, state keyState) {
	for n < maxKey {
		gap := keySeparator().FindString(text[n:])
		rest := text[n+len(gap):]
		if rest == "" {
			return len(text), keyOpen
		}
		if end := keyEnd().FindString(rest); end != "" {
			return n + len(gap) + len(end), keyEnded
		}
		line := keyHeader().FindString(rest)
		if line == "" {
			line = base64Line(rest)
			if !belongsToKey(line, gap, rest[len(line):]) {
				return n, keyBroken
			}
		}
		n += len(gap) + len(line)
	}
	return n, keyBroken
}

// base64Line returns the base64 that text begins with, or the checksum of OpenPGP.
func base64Line(text string) string {
	begin := 0
	if strings.HasPrefix(text, "=") {
		begin = 1
	}
	n := begin
	for n < len(text) && isBase64(text[n]) {
		n++
	}
	if begin == 1 {
		return text[:n]
	}
	for padding := 0; padding < 2 && n > 0 && n < len(text) && text[n] == '='; padding++ {
		n++
	}
	return text[:n]
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// belongsToKey reports whether a line is one of base64: a long one whatever follows, a
// short one only if it is a line of its own of whole groups, and no word.
func belongsToKey(line, gap, next string) bool {
	switch {
	case line == "":
		return false
	case len(line) >= shortLine:
		return true
	case gap != "" && !strings.ContainsAny(gap, "\r\n\\"):
		return false
	}
	isWord := strings.IndexFunc(line[1:], func(c rune) bool { return c < 'a' || c > 'z' }) < 0
	return !isWord && (len(line)%4 == 0 || line[0] == '=' && len(line) == 5) && (next == "" || isLineBreak(next))
}

var lineBreak = compiled(`^(?:[\r\n]|\\+[rn])`)

func isLineBreak(text string) bool { return lineBreak().MatchString(text) }
