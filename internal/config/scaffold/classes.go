package scaffold

import (
	"regexp"
	"strings"
)

// kind is the kind of an object in the CDK.
type kind int

const (
	unknown kind = iota
	aStack
	aStage
	anApp
	another // a construct of another kind
)

// class is a definition in the source: a class or, in Go, the function that makes an object.
type class struct {
	name   string
	bases  []string
	source *source
	start  int // of the definition in the source
	end    int // after it
	read   int // bytes read to find the end
}

func (c *class) body() string { return c.source.text[c.start:c.end] }

func classesIn(s *source) []*class {
	var all []*class
	for _, at := range s.classes.FindAllStringSubmatchIndex(s.code, -1) {
		c := &class{name: s.text[at[2]:at[3]], source: s, start: at[0]}
		for _, base := range strings.Split(s.text[at[4]:at[5]], ",") {
			c.bases = append(c.bases, lastWord(base))
		}
		if s.hash {
			c.end = endOfBlock(s.text, at[0])
			c.read = c.end - at[0]
		} else {
			c.end = len(s.code)
			open := strings.IndexByte(s.code[at[5]:], '{')
			if end, closed := s.brackets[at[5]+open]; open >= 0 && closed {
				c.end = end
			}
			c.read = max(open, 0)
		}
		all = append(all, c)
	}
	return all
}

// kindOf returns the kind of a class named in a file, following the classes that it
// extends.
func (t *tree) kindOf(name string, from *source) kind { return t.kindWithin(name, from, 20) }

func (t *tree) kindWithin(name string, from *source, depth int) kind {
	c := t.find(name, from)
	if c == nil || depth == 0 {
		return kindByName(name)
	}
	if c.source.name == "Go" {
		return c.goKind()
	}
	found := unknown
	for _, base := range c.bases {
		k := kindByName(base)
		if base != name {
			k = t.kindWithin(base, c.source, depth-1)
		}
		if k != unknown && (found == unknown || found == another) {
			found = k
		}
	}
	return found
}

// find returns the definition of a name in the scope of a file: its own, an imported one,
// or else the first one of the app.
func (t *tree) find(name string, from *source) *class {
	all := t.classes[name]
	if len(all) < 2 {
		if len(all) == 1 {
			return all[0]
		}
		return nil
	}
	near := map[string]bool{from.file: true}
	if from.name == "TypeScript" || from.name == "Python" {
		for _, file := range t.importedBy(from) {
			near[file] = true
		}
	}
	for _, c := range all {
		if near[c.source.file] {
			return c
		}
	}
	return all[0]
}

// kindByName guesses the kind of classes that the source does not define: those of the CDK
// and of libraries.
func kindByName(name string) kind {
	switch {
	case name == "NestedStack" || name == "Construct" || name == "Resource":
		return another
	case strings.HasSuffix(name, "Stack"):
		return aStack
	case strings.HasSuffix(name, "Stage"):
		return aStage
	case name == "App" || name == "NewApp":
		return anApp
	}
	return unknown
}

var (
	makesStack = regexp.MustCompile(`\bNew\w*Stack\s*\(`)
	makesStage = regexp.MustCompile(`\bNew\w*Stage\s*\(`)
)

// goKind returns the kind of what a Go function makes, by its result or its calls.
func (c *class) goKind() kind {
	if k := kindByName(c.bases[0]); k == aStack || k == aStage {
		return k
	}
	_, body, _ := strings.Cut(c.body(), "{")
	switch {
	case makesStage.MatchString(body):
		return aStage
	case makesStack.MatchString(body):
		return aStack
	}
	return unknown
}

// lastWord returns `Stack` for ` cdk.Stack ` and `*shop.Stack`.
func lastWord(name string) string {
	name = strings.Trim(name, " \t\r\n*&")
	return name[strings.LastIndexByte(name, '.')+1:]
}

// bracketsIn returns the offset after each closing bracket, by the offset of the opening
// one. All literals of the code are blank, except unterminated ones.
func bracketsIn(code string) map[int]int {
	ends := map[int]int{}
	var open []int
	for i := 0; i < len(code); {
		next := i + 1
		switch code[i] {
		case '"', '\'', '`':
			if last := next + len(code[next:]) - len(strings.TrimLeft(code[next:], " \n")); last < len(code) && code[last] == code[i] {
				next = last + 1
			}
		case '(', '[', '{':
			open = append(open, i)
		case ')', ']', '}':
			if len(open) > 0 {
				ends[open[len(open)-1]] = next
				open = open[:len(open)-1]
			}
		}
		i = next
	}
	return ends
}

// endOfBlock returns the offset after a block of Python: the first line that is not
// indented deeper than the one at start.
func endOfBlock(text string, start int) int {
	for start < len(text) && text[start] == '\n' {
		start++
	}
	depth := indent(text[start:])
	for at := lineEnd(text, start); at < len(text); at = lineEnd(text, at+1) {
		line := text[at+1 : lineEnd(text, at+1)]
		if strings.TrimSpace(line) != "" && indent(line) <= depth && !strings.HasPrefix(strings.TrimSpace(line), ")") {
			return at
		}
	}
	return len(text)
}

func indent(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }
