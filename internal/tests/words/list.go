package words

import (
	"bufio"
	"fmt"
	"path"
	"strings"
)

// list is what tools/words.txt declares.
type list struct {
	banned     []entry
	exceptions []*exception
}

// entry is a word or phrase that must not be used, and what to write for it.
type entry struct {
	phrase  []string // in lower case
	instead string
}

// exception allows words in the files that a pattern matches.
type exception struct {
	pattern string
	words   map[string]bool
	used    bool
}

// parse reads a list. Its lines are comments, "word, phrase => what to write",
// and "allow PATTERN: word, phrase: reason".
func parse(text string) (*list, error) {
	var l list
	lines := bufio.NewScanner(strings.NewReader(text))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "allow "); ok {
			parts := strings.SplitN(rest, ": ", 3)
			if len(parts) != 3 || strings.TrimSpace(parts[2]) == "" {
				return nil, fmt.Errorf("line %d: want %q", number, "allow PATTERN: words: reason")
			}
			if _, err := path.Match(parts[0], ""); err != nil {
				return nil, fmt.Errorf("line %d: %q: %w", number, parts[0], err)
			}
			e := &exception{pattern: parts[0], words: map[string]bool{}}
			for _, word := range strings.Split(parts[1], ",") {
				e.words[strings.TrimSpace(word)] = true
			}
			l.exceptions = append(l.exceptions, e)
			continue
		}
		words, instead, ok := strings.Cut(line, " => ")
		if !ok {
			return nil, fmt.Errorf("line %d: want %q", number, "word, phrase => what to write")
		}
		for _, word := range strings.Split(words, ",") {
			phrase := strings.Fields(strings.ToLower(word))
			if len(phrase) == 0 {
				return nil, fmt.Errorf("line %d: an empty word", number)
			}
			l.banned = append(l.banned, entry{phrase, instead})
		}
	}
	return &l, lines.Err()
}

// allows reports whether an exception covers a word in a file.
func (l *list) allows(file, word string) bool {
	allowed := false
	for _, e := range l.exceptions {
		inFolder := strings.HasSuffix(e.pattern, "/") && strings.HasPrefix(file, e.pattern)
		matches, _ := path.Match(e.pattern, file) // parse checked the pattern
		if (inFolder || matches) && e.words[word] {
			e.used, allowed = true, true
		}
	}
	return allowed
}

// check returns the banned words in a file's name and text, with their places.
func (l *list) check(file, text string) []string {
	var problems []string
	for _, part := range []struct {
		text   string
		isName bool
	}{{file, true}, {text, false}} {
		tokens := tokenize(part.text)
		for i := range tokens {
			for _, e := range l.banned {
				word := strings.Join(e.phrase, " ")
				if !startsWith(tokens[i:], e.phrase) || l.allows(file, word) {
					continue
				}
				place := fmt.Sprintf("%s:%d", file, tokens[i].line)
				if part.isName {
					place = "the name of " + file
				}
				problems = append(problems, fmt.Sprintf("%s: %q: write %s", place, word, e.instead))
			}
		}
	}
	return problems
}
