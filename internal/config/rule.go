package config

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// rule describes the valid texts of a key.
type rule struct {
	expect  string // description, after "expected"
	pattern string // for the JSON Schema as well
	least   int    // characters; 0 is no limit
	most    int
	check   func(text string) string         // further check; returns why the text is invalid, or ""
	hint    func(r rule, text string) string // returns a suggestion, or ""
}

// broken reports whether the text breaks the rule, and why, if that can be said
// briefly.
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

// AccountProblem checks an account id from outside of a configuration by the same
// rule; it returns "" for a valid one.
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
