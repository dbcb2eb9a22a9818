package scaffold

import (
	"fmt"
	"iter"
	"regexp"
	"strings"
)

// value evaluates an expression of a string, with `*` for every unknown part.
func (t *tree) value(expression string, s *source) string { return t.valueWithin(expression, s, 8) }

func (t *tree) valueWithin(expression string, s *source, depth int) string {
	expression = strings.TrimSpace(expression)
	if expression == "" || depth == 0 {
		return "*"
	}
	if terms := split(expression, '+'); len(terms) > 1 {
		all := ""
		for _, term := range terms {
			all += t.valueWithin(term, s, depth-1)
		}
		return joined(all)
	}
	if match := formatted.FindStringSubmatchIndex(expression); match != nil {
		return t.filled(expression[match[1]:], s, depth)
	}
	if match := literal.FindStringSubmatch(expression); match != nil {
		return t.interpolated(match[1], match[2], s, depth)
	}
	if match := wrapped.FindStringSubmatch(expression); match != nil {
		return t.valueWithin(match[1], s, depth-1)
	}
	if match := fromContext.FindStringSubmatch(expression); match != nil {
		return t.contextValue(match[1])
	}
	if name.MatchString(expression) {
		return t.constant(expression, s, depth)
	}
	return "*"
}

var (
	literal     = regexp.MustCompile("^([$@fFrRbBuU]*['\"`])((?s:.*))['\"`]$")
	wrapped     = regexp.MustCompile(`^(?:jsii\.String|str|String|cdk\.Fn\.\w+)\s*\(([^()]*)\)$`)
	fromContext = regexp.MustCompile(`(?:try_?[gG]et_?[cC]ontext)\s*\(\s*(?:jsii\.String\()?['"]([^'"]+)['"]\)?\s*\)$`)
	formatted   = regexp.MustCompile(`^(?:(?:[sS]tring\.[fF]ormat|fmt\.Sprintf|jsii\.Sprintf)\s*\(\s*)`)
	name        = regexp.MustCompile(`^[&*]?[A-Za-z_$][\w$.]*$`)
	verbs       = regexp.MustCompile(`%[-+ #0]*[\d.]*[a-zA-Z]|\{\d*[^{}]*\}`)
	braces      = regexp.MustCompile(`\$?\{([^{}]*)\}`)
	dollarBrace = regexp.MustCompile(`\$\{((?:[^{}]|\{[^{}]*\})*)\}`)
)

// filled returns the text of `"%s-api", prefix)`.
func (t *tree) filled(rest string, s *source, depth int) string {
	arguments := split(strings.TrimSuffix(rest, ")"), ',')
	if len(arguments) == 0 {
		return "*"
	}
	next := 0
	return joined(verbs.ReplaceAllStringFunc(strings.Trim(arguments[0], `"`), func(string) string {
		if next++; next < len(arguments) {
			return t.valueWithin(arguments[next], s, depth-1)
		}
		return "*"
	}))
}

// interpolated returns the text of a literal that begins with mark.
func (t *tree) interpolated(mark, text string, s *source, depth int) string {
	pattern := dollarBrace
	switch {
	case mark == "`":
	case strings.ContainsAny(mark, "$fF"):
		pattern = braces
	case s.name == "Java" && strings.HasSuffix(s.file, ".kt"):
	default:
		return text
	}
	return joined(pattern.ReplaceAllStringFunc(text, func(part string) string {
		return t.valueWithin(pattern.FindStringSubmatch(part)[1], s, depth-1)
	}))
}

// contextValue returns a text of cdk.json's context.
func (t *tree) contextValue(key string) string {
	switch value := t.context[key].(type) {
	case string:
		return value
	case map[string]any, []any, nil:
		return "*"
	default:
		return fmt.Sprint(value)
	}
}

// constant returns the value of a name in its file or, if it has none there, in the app.
// A name with several values has none.
func (t *tree) constant(expression string, s *source, depth int) string {
	key := s.file + ":" + expression
	value, known := t.constants[key]
	if !known {
		value = t.lookUp(expression, s, depth)
		t.constants[key] = value
	}
	return value
}

func (t *tree) lookUp(expression string, s *source, depth int) string {
	if strings.Contains(expression, "process.env") || strings.Contains(expression, "environ") {
		return "*"
	}
	word := lastWord(expression)
	for _, pattern := range definitions {
		for _, files := range [][]*source{{s}, t.files} {
			if value := t.defined(pattern, word, files, s, depth); value != "" {
				return value
			}
		}
	}
	return "*"
}

// definitions match what follows a name that gets its value: in a declaration or, failing
// that, as a key of an object.
var definitions = []*regexp.Regexp{
	regexp.MustCompile(`^[ \t]*(?::[ \t]*[\w.]+[ \t]*=|:?=)[ \t]*([^\n;,=>][^\n;,]*)`),
	regexp.MustCompile(`^['"]?[ \t]*(?::[ \t]*[\w.]+[ \t]*=|:?=|:)[ \t]*([^\n;,=][^\n;,]*)`),
}

// definitionLimit is how much of a definition is read, in bytes.
const definitionLimit = 4 << 10

// uses yields the offset after each use of a word in a file, with the character before the
// word, 0 at the start.
func (t *tree) uses(word string, s *source) iter.Seq2[byte, int] {
	return func(yield func(byte, int) bool) {
		t.steps += len(s.text)
		for from := 0; ; {
			found := strings.Index(s.text[from:], word)
			if found < 0 || word == "" {
				return
			}
			at, end := from+found, from+found+len(word)
			from = end
			before := byte(0)
			if at > 0 {
				before = s.text[at-1]
			}
			if isWord(before) || end < len(s.text) && isWord(s.text[end]) {
				continue
			}
			if !yield(before, end) {
				return
			}
		}
	}
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// upTo returns the text from an offset, at most limit bytes of it.
func upTo(text string, from, limit int) string { return text[from:min(len(text), from+limit)] }

// defined returns the value that the definitions of a name in the files agree on, "*" if
// they differ, and "" if there are none.
func (t *tree) defined(pattern *regexp.Regexp, word string, files []*source, s *source, depth int) string {
	values := map[string]bool{}
	last := ""
	for _, file := range files {
		if file.language != s.language {
			continue
		}
		for before, end := range t.uses(word, file) {
			match := pattern.FindStringSubmatch(upTo(file.text, end, definitionLimit))
			if match == nil || before == '$' || before == '.' {
				continue
			}
			given := asType.ReplaceAllString(strings.TrimRight(match[1], " \t}\r"), "")
			switch {
			case literal.MatchString(given) || fromContext.MatchString(given):
				last = t.valueWithin(given, file, depth-1)
				values[last] = true
			case file == s && lastWord(given) != word: // `region: region` has no value
				values["*"] = true
			}
		}
	}
	switch {
	case len(values) == 1:
		return last
	case len(values) > 1:
		return "*"
	}
	return ""
}

// asType matches a type assertion of TypeScript.
var asType = regexp.MustCompile(`\s+as\s+[\w.|\s]+$`)

var stars = regexp.MustCompile(`\*{2,}`)

// joined merges adjacent unknown parts, as `**` would match any number of levels.
func joined(text string) string { return stars.ReplaceAllString(text, "*") }

var (
	stackName   = regexp.MustCompile("(?i)\\bstack_?name['\"]?\\s*[:=(]\\s*(?:jsii\\.String\\(\\s*)?['\"`]([^'\"`\\n]+)['\"`]")
	accountText = regexp.MustCompile("(?i)\\baccount['\"]?\\s*[:=(]\\s*(?:[^,;{}\\n]*?(?:\\|\\||\\?\\?|\\bor\\b)\\s*)?(?:jsii\\.String\\(\\s*)?['\"`]([0-9]{12})['\"`]")
	regionText  = regexp.MustCompile("(?i)\\bregion['\"]?\\s*[:=(]\\s*(?:[^,;{}\\n]*?(?:\\|\\||\\?\\?|\\bor\\b)\\s*)?(?:jsii\\.String\\(\\s*)?['\"`]([a-z]{2}[a-z0-9-]+-[0-9])['\"`]")
	// account: producer, account=producer, and in TypeScript { account }
	givenAccount = regexp.MustCompile(`(?i)\baccount['"]?\s*[:=]\s*([^,;{}\n]+)|[{,]\s*(account)\s*[,}]`)
	givenRegion  = regexp.MustCompile(`(?i)\bregion['"]?\s*[:=]\s*([^,;{}\n]+)|[{,]\s*(region)\s*[,}]`)
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	regionID     = regexp.MustCompile(`^[a-z]{2}[a-z0-9-]+-[0-9]$`)
	// { env: dev }, { env } and in Python env=dev
	envName = regexp.MustCompile(`(?i)\benv\s*(?:[:=(]\s*([A-Za-z_$][\w$.]*)|[,})])`)
)

// target returns the text that sets account and region of a stack: its arguments, or the
// constants that they pass as `env` or as properties.
func (c *creation) target() string {
	given := c.text
	if len(c.arguments) > 2 && name.MatchString(c.arguments[2]) {
		given = c.definition(lastWord(c.arguments[2]))
	}
	if accountText.MatchString(given) || regionText.MatchString(given) {
		return given
	}
	named := envName.FindStringSubmatch(given)
	if named == nil {
		return given
	}
	if named[1] == "" {
		return c.definition("env")
	}
	return c.definition(lastWord(named[1]))
}

// placed returns the account or region that a text sets, literally or by a name with a
// known value, else "".
func (c *creation) placed(target string, literally, given, form *regexp.Regexp) string {
	if found := firstOf(literally, target); found != "" {
		return found
	}
	match := given.FindStringSubmatch(target)
	if match == nil {
		return ""
	}
	expression := strings.TrimSpace(match[1] + match[2])
	if strings.Count(expression, ")") > strings.Count(expression, "(") { // of the call around it
		expression = strings.TrimRight(expression, ") \t")
	}
	if value := c.value(expression, c.source); form.MatchString(value) {
		return value
	}
	return ""
}

var (
	// anyRegion matches the text of a region.
	anyRegion = regexp.MustCompile("['\"`]([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-[0-9])['\"`]")
	// outside matches expressions for the region of whoever runs or deploys the app.
	outside = regexp.MustCompile(`(?i)\benv(?:iron\w*|\.)|getenv|\baws\.region|\.region\b`)
)

// regions returns the regions that the file of a call names, if the call sets a region that
// the file computes, as a loop over a list does.
func (c *creation) regions(target string) (all []string) {
	match := givenRegion.FindStringSubmatch(target)
	if match == nil || outside.MatchString(match[1]) {
		return nil
	}
	for _, found := range anyRegion.FindAllStringSubmatch(c.source.text, -1) {
		all = append(all, found[1])
	}
	return all
}

// definition returns the object that a name refers to in the file.
func (c *creation) definition(word string) string {
	for _, end := range c.uses(word, c.source) {
		at := object.FindStringIndex(upTo(c.source.text, end, definitionLimit))
		if at == nil {
			continue
		}
		open := end + at[1] - 1
		last := closing(c.source.text, open, open+1+callLimit)
		return c.source.text[end-len(word) : lineEndOrMore(c.source.text, last)]
	}
	return ""
}

// object matches what follows a name that gets an object.
var object = regexp.MustCompile(`^['"]?\s*(?::\s*[\w.]+\s*=|:?=|:)\s*(?:new\s+)?[\w.&]*\s*[({]`)

var chained = regexp.MustCompile(`^\s*\.\w+\(`)

// lineEndOrMore takes in the calls that follow a builder: `.account("…").build()`.
func lineEndOrMore(text string, at int) int {
	for {
		match := chained.FindStringIndex(text[at:])
		if match == nil {
			return at
		}
		at = closing(text, at+match[1]-1, at+match[1]+callLimit)
	}
}

// firstOf returns the first match of the pattern's group, or "".
func firstOf(pattern *regexp.Regexp, source string) string {
	if match := pattern.FindStringSubmatch(source); match != nil {
		return match[1]
	}
	return ""
}
