package usage

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// Manual returns the program's manual page, for man(1): all commands with their flags.
func Manual(program *kong.Node, version string) string {
	m := &page{}
	m.line(".TH %s 1 \"\" %q %q", strings.ToUpper(program.Name), roff(program.Name+" "+version), "AphexPipeline")
	summary, about, _ := strings.Cut(program.Help, "\n\n")
	m.line(".SH NAME\n%s \\- %s", roff(program.Name), roff(strings.TrimSuffix(strings.TrimPrefix(summary, program.Name+" "), ".")))
	m.line(".SH SYNOPSIS\n.B %s\n.I command\n.RI [ flags ]", roff(program.Name))
	m.line(".SH DESCRIPTION")
	m.text(about)
	m.line(".SH COMMANDS")
	m.commands(program, "")
	return m.String()
}

// page is a manual page in the language of man(7).
type page struct{ strings.Builder }

func (m *page) line(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

func (m *page) commands(parent *kong.Node, before string) {
	for _, command := range parent.Children {
		if command.Hidden {
			continue
		}
		if !command.Leaf() {
			m.commands(command, before+command.Name+" ")
			continue
		}
		m.line(".SS %s", roff(before+command.Name+arguments(command)))
		m.text(command.Help + "\n\n" + command.Detail)
		for _, flag := range all(command) {
			if flag.Name != "help" {
				m.flag(flag)
			}
		}
	}
}

func arguments(command *kong.Node) (text string) {
	for _, argument := range command.Positional {
		text += " " + argument.Summary()
	}
	return text
}

func (m *page) flag(flag *kong.Flag) {
	names := "--" + flag.Name
	if flag.Short != 0 {
		names = "-" + string(flag.Short) + ", " + names
	}
	value := ""
	if !flag.IsBool() {
		value = " \\fI" + roff(flag.FormatPlaceHolder()) + "\\fR"
	}
	m.line(".TP\n\\fB%s\\fR%s", roff(names), value)
	m.line("%s", roff(kong.DefaultHelpValueFormatter(flag.Value)))
}

// text writes paragraphs below a heading; those with indented lines are printed as they are.
func (m *page) text(text string) {
	between := ""
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		switch {
		case paragraph == "":
			continue
		case strings.HasPrefix(paragraph, "  "):
			m.line("%s.EX\n%s\n.EE", between, roff(paragraph))
		default:
			m.line("%s%s", between, roff(paragraph))
		}
		between = ".PP\n"
	}
}

// roff escapes a text: no line of it is a request, a hyphen is one that can be copied, and all
// characters are of ASCII, as groff alone reads no others.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	var ascii strings.Builder
	for _, char := range strings.Join(lines, "\n") {
		if char < utf8.RuneSelf {
			ascii.WriteRune(char)
			continue
		}
		fmt.Fprintf(&ascii, `\[u%04X]`, char)
	}
	return ascii.String()
}
