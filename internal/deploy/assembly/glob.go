package assembly

import (
	"regexp"
	"slices"
	"strings"
)

// Glob is a pattern for construct paths, as in the CDK CLI: `*` and `?` match
// within one level of a path, `**` matches any number of levels, `[ab]` one of
// these characters, `{a,b}` one of these texts.
type Glob struct{ forms []*regexp.Regexp }

// IsGlob reports whether the text is a pattern and not a plain name or path.
func IsGlob(text string) bool { return strings.ContainsAny(text, "*?[{") }

// ParseGlob parses a pattern. A text without special characters matches itself.
func ParseGlob(text string) Glob {
	var glob Glob
	for _, one := range alternatives(text, maxAlternatives) {
		if form, err := regexp.Compile("^(?s:" + globForm(one) + ")$"); err == nil {
			glob.forms = append(glob.forms, form)
		}
	}
	return glob
}

// Match reports whether the pattern matches the whole path.
func (g Glob) Match(path string) bool {
	for _, form := range g.forms {
		if form.MatchString(path) {
			return true
		}
	}
	return false
}

// maxAlternatives limits the expansion of braces.
const maxAlternatives = 1000

// alternatives expands braces: "{a,b}c" to "ac" and "bc".
func alternatives(text string, most int) []string {
	from, commas, to := braces(text)
	if to < 0 || most <= 1 {
		return []string{text}
	}
	var all []string
	ends := slices.Concat(commas, []int{to})
	for start := from + 1; len(ends) > 0; start, ends = ends[0]+1, ends[1:] {
		all = append(all, alternatives(text[:from]+text[start:ends[0]]+text[to+1:], most/(len(commas)+1))...)
	}
	return all
}

// braces finds the first pair of braces with commas directly inside; to is -1 if
// there is none.
func braces(text string) (from int, commas []int, to int) {
	for from = range text {
		if text[from] != '{' {
			continue
		}
		commas = nil
		for at, depth := from, 0; at < len(text); at++ {
			switch {
			case text[at] == '{':
				depth++
			case text[at] == '}':
				depth--
			case text[at] == ',' && depth == 1:
				commas = append(commas, at)
			}
			if depth == 0 {
				if commas != nil {
					return from, commas, at
				}
				break
			}
		}
	}
	return 0, nil, -1
}

var slashes = regexp.MustCompile("/+")

// globForm translates a pattern without braces, level by level.
func globForm(glob string) string {
	levels := strings.Split(slashes.ReplaceAllString(glob, "/"), "/")
	var form strings.Builder
	for i, level := range levels {
		last := i == len(levels)-1
		switch {
		case level == "**" && last:
			form.WriteString(".+")
		case level == "**":
			form.WriteString("(?:[^/]+/)*")
		default:
			form.WriteString(levelForm(level))
			if !last {
				form.WriteString("/")
			}
		}
	}
	return form.String()
}

func levelForm(level string) string {
	if level != "" && strings.Trim(level, "*") == "" {
		return "[^/]+"
	}
	var form strings.Builder
	for i := 0; i < len(level); i++ {
		switch c := level[i]; c {
		case '*':
			form.WriteString("[^/]*")
		case '?':
			form.WriteString("[^/]")
		case '[':
			class, length := classForm(level[i:])
			form.WriteString(class)
			i += length - 1
		default:
			form.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return form.String()
}

// classForm translates "[a-c]" or "[!x]" and returns its length; an unclosed
// bracket matches itself.
func classForm(text string) (form string, length int) {
	end := strings.IndexByte(text, ']')
	if end < 2 {
		return `\[`, 1
	}
	inner, not := text[1:end], ""
	if inner[0] == '!' || inner[0] == '^' {
		inner, not = inner[1:], "^/"
	}
	return "[" + not + strings.NewReplacer(`\`, `\\`, "[", `\[`, "^", `\^`).Replace(inner) + "]", end + 1
}
