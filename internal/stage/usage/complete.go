// Package usage tells shells and readers how a program is called: it completes command lines, and writes the manual page.
// Both come from the model of the command line, as --help does.
package usage

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Candidate is a word that can stand at the end of a command line.
type Candidate struct {
	Word, Help string
}

// Completion is what can stand at the end of a command line.
type Completion struct {
	Candidates     []Candidate
	Files, Folders bool // also paths of files, or of folders alone
}

// Write writes the completion for the scripts of Script: a line each, with a tab before its help; ":files" and
// ":folders" stand for paths.
func (c Completion) Write(w io.Writer) error {
	var text strings.Builder
	for _, candidate := range c.Candidates {
		fmt.Fprintf(&text, "%s\t%s\n", candidate.Word, candidate.Help)
	}
	switch {
	case c.Files:
		text.WriteString(":files\n")
	case c.Folders:
		text.WriteString(":folders\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// Complete returns what can replace the last of the words, which follow the name of the program.
func Complete(program *kong.Node, words []string) Completion {
	words = joined(words)
	if len(words) == 0 {
		words = []string{""}
	}
	command, at, pending := walk(program, words[:len(words)-1])
	last := words[len(words)-1]
	name, start, assigned := strings.Cut(last, "=")
	switch {
	case pending != nil:
		return values(pending.Value, "", last)
	case assigned && strings.HasPrefix(name, "--"):
		if flag := find(command, name); flag != nil {
			return values(flag.Value, name+"=", start)
		}
		return Completion{}
	case strings.HasPrefix(last, "-"):
		return Completion{Candidates: matching(flags(command), last)}
	case len(command.Children) > 0:
		return Completion{Candidates: matching(commands(command), last)}
	case len(command.Positional) > 0:
		return values(command.Positional[min(at, len(command.Positional)-1)], "", last)
	}
	return Completion{Candidates: matching(flags(command), last)}
}

// joined joins a flag with its value again: bash splits words at the sign between them.
func joined(words []string) (all []string) {
	for i, word := range words {
		switch {
		case i > 0 && word == "=" && strings.HasPrefix(words[i-1], "--"):
			all[len(all)-1] += "="
		case i > 1 && words[i-1] == "=" && strings.HasPrefix(words[i-2], "--"):
			all[len(all)-1] += word
		default:
			all = append(all, word)
		}
	}
	return all
}

// walk follows words to a command. It returns how many positional arguments they have, and the flag that lacks its value.
func walk(command *kong.Node, words []string) (at *kong.Node, arguments int, pending *kong.Flag) {
	for _, word := range words {
		switch {
		case pending != nil:
			pending = nil
		case strings.HasPrefix(word, "-") && word != "-":
			if flag := find(command, word); flag != nil && !flag.IsBool() {
				pending = flag
			}
		default:
			next := slices.IndexFunc(command.Children, func(n *kong.Node) bool { return n.Name == word })
			if next >= 0 {
				command = command.Children[next]
			} else {
				arguments++
			}
		}
	}
	return command, arguments, pending
}

// find returns the flag of a word such as --config or -c, or nil.
func find(command *kong.Node, word string) *kong.Flag {
	for _, flag := range all(command) {
		if word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short) {
			return flag
		}
	}
	return nil
}

func all(command *kong.Node) []*kong.Flag { return slices.Concat(command.AllFlags(true)...) }

func flags(command *kong.Node) (found []Candidate) {
	for _, flag := range all(command) {
		found = append(found, Candidate{"--" + flag.Name, firstSentence(flag.Help)})
	}
	return found
}

func commands(command *kong.Node) (found []Candidate) {
	for _, child := range command.Children {
		if !child.Hidden {
			found = append(found, Candidate{child.Name, firstSentence(child.Help)})
		}
	}
	return found
}

// values completes a value by its enumeration, or by its placeholder: "FILE" and "DIR" are paths, lower case is a value.
func values(value *kong.Value, before, start string) (c Completion) {
	words := value.EnumSlice()
	if value.Enum == "" {
		words = nil
	}
	for part := range strings.SplitSeq(placeholder(value), "|") {
		switch {
		case part == "FILE":
			c.Files = true
		case part == "DIR":
			c.Folders = true
		case part != "" && part == strings.ToLower(part) && value.Enum == "":
			words = append(words, part)
		}
	}
	for _, word := range words {
		c.Candidates = append(c.Candidates, Candidate{Word: before + word})
	}
	c.Candidates = matching(c.Candidates, before+start)
	return c
}

func placeholder(value *kong.Value) string {
	if value.Flag != nil {
		return value.Flag.PlaceHolder
	}
	return strings.ToUpper(value.Name)
}

func matching(candidates []Candidate, start string) []Candidate {
	return slices.DeleteFunc(candidates, func(c Candidate) bool { return !strings.HasPrefix(c.Word, start) })
}

// firstSentence shortens a description to what fits beside a candidate.
func firstSentence(help string) string {
	sentence, _, _ := strings.Cut(help, ". ")
	return strings.TrimSuffix(strings.Join(strings.Fields(sentence), " "), ".")
}
