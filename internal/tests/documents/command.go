package documents

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// Programs are those of the product.
var Programs = []string{"generator", "validator", "builder", "deployer", "tester", "commands"}

// Command is a command that a page tells its reader to run.
type Command struct {
	Args  []string // the program first; what only a shell can know is the word "value"
	Place string   // file:line
}

// String returns the command and its place.
func (c Command) String() string { return c.Place + ": " + strings.Join(c.Args, " ") }

// Ours reports whether the command runs a program of the product.
func (c Command) Ours() bool { return slices.Contains(Programs, path.Base(c.Args[0])) }

// shells are the languages of blocks with commands.
var shells = []string{"sh", "bash", "console"}

// Commands returns the commands of the page's blocks, those inside of docker run too.
func (p Page) Commands() (commands []Command, err error) {
	for _, block := range p.Blocks {
		if !slices.Contains(shells, block.Language) {
			continue
		}
		found, err := parse(block.Script(), p.Path, block.Line)
		if err != nil {
			return nil, err
		}
		commands = append(commands, found...)
	}
	return commands, nil
}

// brackets mark what may be left out of a command.
var brackets = strings.NewReplacer("[", "", "]", "")

// Mentioned returns the commands of the product within the page's sentences. Their last
// flag may lack its value.
func (p Page) Mentioned() (commands []Command) {
	for _, span := range p.Spans {
		program, rest, _ := strings.Cut(span.Text, " ")
		if !slices.Contains(Programs, program) || rest == "" {
			continue
		}
		if found, err := parse(brackets.Replace(span.Text), p.Path, span.Line); err == nil && len(found) > 0 {
			commands = append(commands, found[0])
		}
	}
	return commands
}

// Script returns the commands of a block: in a "console" those behind "$ ", as the rest
// is what they print.
func (b Block) Script() string {
	if b.Language != "console" {
		return b.Text
	}
	lines, inside := strings.Split(b.Text, "\n"), false
	for i, line := range lines {
		command, prompted := strings.CutPrefix(line, "$ ")
		switch {
		case prompted:
			lines[i], inside = command, strings.HasSuffix(command, `\`)
		case inside:
			inside = strings.HasSuffix(line, `\`)
		default:
			lines[i] = ""
		}
	}
	return strings.Join(lines, "\n")
}

// placeholder matches what a reader fills in, such as <account>.
var placeholder = regexp.MustCompile(`<[A-Za-z][A-Za-z0-9 ._'-]*>|…`)

// parse lists the simple commands of a shell script that begins at a line of a page.
func parse(script, page string, line int) (commands []Command, err error) {
	script = placeholder.ReplaceAllString(script, "value")
	file, err := syntax.NewParser().Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, fmt.Errorf("%s:%d: a shell cannot read these commands: %w", page, line, err)
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		call, is := node.(*syntax.CallExpr)
		if !is || len(call.Args) == 0 {
			return true
		}
		c := Command{Place: fmt.Sprintf("%s:%d", page, line+int(call.Pos().Line())-1)}
		for _, word := range call.Args {
			c.Args = append(c.Args, literal(word))
		}
		commands = append(commands, c)
		if inner := c.contained(); inner != nil {
			commands = append(commands, Command{inner, c.Place})
		}
		return true
	})
	return commands, nil
}

// literal is the text of a word, where variables and other commands are "value".
func literal(word *syntax.Word) string {
	parts := make([]syntax.WordPart, len(word.Parts))
	for i, part := range word.Parts {
		parts[i] = known(part)
	}
	text, err := expand.Literal(&expand.Config{}, &syntax.Word{Parts: parts})
	if err != nil {
		return "value"
	}
	return text
}

func known(part syntax.WordPart) syntax.WordPart {
	switch p := part.(type) {
	case *syntax.ParamExp, *syntax.CmdSubst, *syntax.ArithmExp, *syntax.ProcSubst:
		return &syntax.Lit{Value: "value"}
	case *syntax.DblQuoted:
		copied := *p
		copied.Parts = slices.Clone(p.Parts)
		for i := range copied.Parts {
			copied.Parts[i] = known(copied.Parts[i])
		}
		return &copied
	}
	return part
}

// contained is the command of ours that docker runs in one of our images.
func (c Command) contained() []string {
	if len(c.Args) < 2 || c.Args[0] != "docker" || c.Args[1] != "run" {
		return nil
	}
	for i, arg := range c.Args {
		name, _, _ := strings.Cut(path.Base(arg), ":")
		if strings.Contains(arg, "/aphex/") && slices.Contains(Programs, name) {
			return append([]string{name}, c.Args[i+1:]...)
		}
	}
	return nil
}

// Output is what a "console" shows behind its commands.
func (b Block) Output() string {
	commands := strings.Split(b.Script(), "\n")
	var text strings.Builder
	for i, line := range strings.SplitAfter(b.Text, "\n") {
		if i < len(commands) && commands[i] == "" {
			text.WriteString(line)
		}
	}
	return text.String()
}
