package config

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// rule describes which texts a key may have.
type rule struct {
	expect  string // what is expected, in words that follow "expected"
	pattern string // what the text must match; the JSON Schema has it as well
	least   int    // characters; 0 is no bound
	most    int
	check   func(text string) string         // what a pattern cannot say: why the text is wrong, or ""
	hint    func(r rule, text string) string // what was probably meant, or ""
}

// broken reports whether the text breaks the rule, and how, if that fits
// in a few words.
func (r rule) broken(text string) (broken bool, why string) {
	length := utf8.RuneCountInString(text)
	switch {
	case text == "":
		return true, ""
	case r.most > 0 && length > r.most:
		return true, fmt.Sprintf(" (too long: %d characters)", length)
	case length < r.least:
		return true, " (too short)"
	}
	if r.check != nil {
		if why := r.check(text); why != "" {
			return true, ", which " + why
		}
	}
	return r.pattern != "" && !compiled(r.pattern).MatchString(text), ""
}

func (r rule) hintFor(text string) string {
	if r.hint == nil {
		return ""
	}
	return r.hint(r, text)
}

var patterns sync.Map // string → *regexp.Regexp

func compiled(pattern string) *regexp.Regexp {
	if known, found := patterns.Load(pattern); found {
		return known.(*regexp.Regexp)
	}
	made := regexp.MustCompile(pattern)
	patterns.Store(pattern, made)
	return made
}

// AccountProblem says what is wrong with an account id that is not in a
// configuration, by the rule of those that are, or "".
func AccountProblem(id string) (problem, hint string) { return problemOf("account", id) }

// RegionProblem is AccountProblem for a region; its hint is the nearest region.
func RegionProblem(region string) (problem, hint string) { return problemOf("region", region) }

func problemOf(name, text string) (problem, hint string) {
	rule := rules()[name]
	if broken, why := rule.broken(text); broken {
		return fmt.Sprintf("%s%s: expected %s", quote(text), why, strings.TrimSuffix(rule.expect, ", in quotes")), rule.hintFor(text)
	}
	return "", ""
}
