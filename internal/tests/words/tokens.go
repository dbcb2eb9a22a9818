package words

import (
	"strings"
	"unicode"
)

// token is one word of a text, in lower case. A phrase does not go on over a
// token that begins a sentence or an argument.
type token struct {
	word   string
	line   int
	begins bool
}

// tokenize splits a text into words. Identifiers are split as Go spells them:
// "isHTTPServer" has three words, as "is_http_server" has.
func tokenize(text string) []token {
	var tokens []token
	line, begins := 1, true
	runes := []rune(text)
	for i := 0; i < len(runes); {
		if !unicode.IsLetter(runes[i]) {
			if runes[i] == '\n' {
				line++
			}
			begins = begins || strings.ContainsRune(".,;:!?()[]{}=", runes[i])
			i++
			continue
		}
		end := i + 1
		for end < len(runes) && unicode.IsLetter(runes[end]) && !splits(runes, end) {
			end++
		}
		tokens = append(tokens, token{strings.ToLower(string(runes[i:end])), line, begins})
		begins, i = false, end
	}
	return tokens
}

// splits reports whether a word of an identifier starts at an index after its first.
func splits(runes []rune, i int) bool {
	if !unicode.IsUpper(runes[i]) {
		return false
	}
	lowerBefore := unicode.IsLower(runes[i-1])
	lowerAfter := i+1 < len(runes) && unicode.IsLower(runes[i+1])
	return lowerBefore || lowerAfter
}

func startsWith(tokens []token, phrase []string) bool {
	if len(tokens) < len(phrase) {
		return false
	}
	for i, word := range phrase {
		if tokens[i].word != word || i > 0 && tokens[i].begins {
			return false
		}
	}
	return true
}
