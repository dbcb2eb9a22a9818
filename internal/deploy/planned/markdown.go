package planned

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// MaxMarkdown is the largest Markdown in bytes. GitHub takes comments of 65,536 characters, of
// which github.MostOfMarkdown leaves a few to the marker of a comment.
const MaxMarkdown = 65_000

// Limits of the Markdown.
const (
	unfolded    = 12  // lines of changes that are shown without a fold
	longestName = 200 // characters of a name or a permission
	least       = 600 // bytes of an environment's section; with less it is left out
)

// Markdown returns the plans of a commit's environments for a comment on a pull request, of
// at most MaxMarkdown bytes. The whole plan is what it refers to where it is cut: a text such
// as the key in a bucket.
//
// What comes from the app stands in code alone, which GitHub neither renders nor follows:
// in blocks whose fence is longer than any in it, and names in spans without a backtick.
// Characters that do not print are spelled out.
func Markdown(plans []*Plan, commit, whole string) string {
	return markdownOf(plans, commit, whole, MaxMarkdown)
}

func markdownOf(plans []*Plan, commit, whole string, most int) string {
	title := fmt.Sprintf("### Plan of %s\n\n", span(fmt.Sprintf("%.12s", commit)))
	foot := "\nNothing was created or executed."
	if slices.ContainsFunc(plans, func(p *Plan) bool { return p.Basis == FromTemplates }) {
		foot = "\nNothing was created or executed: the templates of this commit were compared with the deployed ones. What follows from values of parameters, " +
			"and from what AWS decides, is seen at the deployment."
	}
	if whole != "" {
		foot += " The whole plan: " + span(whole)
	}
	foot += "\n"
	text := title + table(plans, most/2)
	room := most - len(text) - len(foot)
	var sections []section
	for _, p := range plans {
		if s := sectionOf(p); len(s.attention)+len(s.changes) > 0 {
			sections = append(sections, s)
		}
	}
	for i, size := range shares(sections, room) {
		text += sections[i].within(size)
	}
	return text + foot
}

// table is the overview of all environments. Rows that do not fit are counted.
func table(plans []*Plan, most int) string {
	text := "| environment | stacks | resources | rights | data | waits for |\n|---|---|---|---|---|---|\n"
	for i, p := range plans {
		row := "| " + strings.Join(cells(p), " | ") + " |\n"
		if len(text)+len(row) > most {
			return text + fmt.Sprintf("\n… and %s more.\n", Count(len(plans)-i, "environment"))
		}
		text += row
	}
	return text
}

func cells(p *Plan) []string {
	if p.Problem != "" {
		return []string{span(p.Environment), "**not planned**", "", "", "", ""}
	}
	changing, lost, broader := 0, 0, 0
	for _, s := range p.Stacks {
		if !s.Stays() {
			changing++
		}
		broader += len(s.Broader)
		for _, c := range s.Changes {
			if c.Destroys() {
				lost++
			}
		}
	}
	var gates []string
	for _, g := range p.Gates {
		gates = append(gates, span(g.Gate))
	}
	stacks := fmt.Sprintf("%d of %d change", changing, len(p.Stacks))
	if changing == 0 {
		stacks = "unchanged"
	}
	return []string{span(p.Environment), stacks, p.resources(), counted(broader, "broader"), counted(lost, "lost"), strings.Join(gates, ", ")}
}

func counted(count int, what string) string {
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("**%d %s**", count, what)
}

// resources counts the changes of resources, such as "3 to add, 1 to replace".
func (p *Plan) resources() string {
	counts := map[string]int{}
	for _, s := range p.Stacks {
		for _, c := range s.Changes {
			counts[c.Action]++
		}
	}
	var words []string
	for _, action := range []string{"add", "import", "modify", MayReplace, Replace, MayRemove, Remove} {
		switch may, is := strings.CutPrefix(action, "may "); {
		case counts[action] == 0:
		case is:
			words = append(words, fmt.Sprintf("%d may be %sd", counts[action], may))
		default:
			words = append(words, fmt.Sprintf("%d to %s", counts[action], action))
		}
	}
	return strings.Join(words, ", ")
}

// section is what an environment has to say, line by line.
type section struct {
	head               string
	attention, changes []string
}

func sectionOf(p *Plan) section {
	s := section{head: "\n#### " + span(p.Environment) + "\n"}
	if p.Problem != "" {
		s.attention = append(s.attention, "not planned: "+plain(p.Problem, 2*longestName))
		if p.Hint != "" {
			s.attention = append(s.attention, "hint: "+plain(p.Hint, 2*longestName))
		}
		return s
	}
	for _, g := range p.Gates {
		if g.Gate == "policy" { // the others are seen in the data and rights
			s.attention = append(s.attention, "policy: "+plain(g.Reason, 2*longestName))
		}
	}
	for _, stack := range p.Stacks {
		for _, c := range stack.Changes {
			if fate := c.Fate(); fate != "" {
				s.attention = append(s.attention, "data: "+plain(stack.Stack+": "+fate, 2*longestName))
			}
		}
		for _, warning := range stack.Warnings {
			s.attention = append(s.attention, "warning: "+plain(stack.Stack+": "+warning, 2*longestName))
		}
		for _, b := range stack.Broader {
			s.attention = append(s.attention, broader[b.Kind]+" "+plain(stack.Stack+": "+b.Text, longestName))
		}
		if stack.Intent == WillFail {
			s.attention = append(s.attention, "blocked: "+plain(stack.Stack+": "+stack.Because, longestName))
		}
		if stack.Intent == WillKeep && stack.Because != "" {
			s.attention = append(s.attention, "unchanged: "+plain(stack.Stack+": "+stack.Because, longestName))
		}
		if stack.Intent != WillKeep {
			s.changes = append(s.changes, linesOf(stack)...)
		}
	}
	return s
}

// signs mark the lines of changes as those of a diff.
var signs = map[string]string{"add": "+", "import": "+", Remove: "-", MayRemove: "-", Replace: "!", MayReplace: "!"}

func linesOf(s Stack) []string {
	title := plain(s.Stack, longestName)
	if s.Name != s.Stack {
		title += " (" + plain(s.Name, longestName) + ")"
	}
	title = "@@ " + title + " in " + plain(s.Region, longestName) + ": " + string(s.Intent) + " @@"
	if s.Because != "" {
		title += " " + plain(s.Because, longestName)
	}
	lines := []string{title}
	for _, c := range s.Changes {
		lines = append(lines, cmp.Or(signs[c.Action], " ")+" "+plain(c.Action, longestName)+" "+plain(c.Name(), longestName)+"  "+plain(c.Type+c.because(), longestName))
		for _, property := range c.Properties {
			lines = append(lines, "    "+plain(property.Path, longestName)+": "+plain(cmp.Or(property.Before, "(none)"), longestValue)+" → "+plain(cmp.Or(property.After, "(none)"), longestValue))
		}
	}
	return lines
}

// shares divides the room among the sections: a small one gets what it needs, and the
// largest ones share what is left.
func shares(sections []section, room int) []int {
	sizes, order := make([]int, len(sections)), make([]int, len(sections))
	for i, s := range sections {
		sizes[i], order[i] = len(s.text(s.attention, s.changes)), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return sizes[a] - sizes[b] })
	for n, i := range order {
		sizes[i] = min(sizes[i], room/(len(order)-n))
		room -= sizes[i]
	}
	return sizes
}

// within returns the section in at most so many bytes.
func (s section) within(most int) string {
	if text := s.text(s.attention, s.changes); len(text) <= most {
		return text
	}
	if most < least {
		return ""
	}
	attention := cut(s.attention, func(lines []string) int { return len(s.text(lines, nil)) }, most*2/3)
	changes := cut(s.changes, func(lines []string) int { return len(s.text(attention, lines)) }, most)
	return s.text(attention, changes)
}

// cut keeps as many of the first lines as fit, and counts the others.
func cut(lines []string, size func([]string) int, most int) []string {
	if size(lines) <= most {
		return lines
	}
	some := func(n int) []string {
		return append(slices.Clone(lines[:n]), "… "+Count(len(lines)-n, "more line"))
	}
	few, many := 0, len(lines)
	for few < many-1 {
		if half := (few + many) / 2; size(some(half)) <= most {
			few = half
		} else {
			many = half
		}
	}
	if size(some(few)) > most {
		return nil
	}
	return some(few)
}

func (s section) text(attention, changes []string) string {
	text := s.head
	if len(attention) > 0 {
		text += "\n" + block("text", attention)
	}
	if len(changes) > unfolded {
		return text + "\n<details><summary>Changes</summary>\n\n" + block("diff", changes) + "\n</details>\n"
	}
	if len(changes) > 0 {
		text += "\n" + block("diff", changes)
	}
	return text
}

// block returns lines as a block of code, with a fence that none of them closes.
func block(language string, lines []string) string {
	longest, run := 2, 0
	text := strings.Join(lines, "\n")
	for _, c := range text {
		if c != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	return fence + language + "\n" + text + "\n" + fence + "\n"
}

// span returns a text as code within a line, also in a table.
func span(text string) string {
	text = strings.NewReplacer("`", "'", "|", "¦", `\`, "/").Replace(plain(text, longestName))
	return "`" + cmp.Or(text, "-") + "`"
}

// plain returns text on one line, of at most so many characters, all of which print.
func plain(text string, most int) string {
	var out strings.Builder
	for _, c := range errs.OneLine(text) {
		if unicode.IsPrint(c) {
			out.WriteRune(c)
		} else {
			fmt.Fprintf(&out, `\u{%x}`, c)
		}
	}
	return shortened(out.String(), most)
}
