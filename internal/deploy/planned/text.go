package planned

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// Text formats the plan for people, with colours if color is set.
func (p *Plan) Text(color bool) string {
	w := &planWriter{color: color}
	w.line("Plan for %s: account %s, %s, commit %.12s", p.Environment, p.Account, p.Region, p.Commit)
	if p.Problem != "" {
		w.line("%s", w.in(screen.BoldRed, "not planned: "+errs.OneLine(p.Problem)))
		if p.Hint != "" {
			w.line("hint: %s", errs.OneLine(p.Hint))
		}
		return w.text.String()
	}
	w.line("%s", p.counts())
	for _, g := range p.Gates {
		w.line("waits for %s: %s", g.Gate, errs.OneLine(g.Reason))
	}
	w.commands("Before", p.PreDeploy)
	for i, s := range p.Stacks {
		w.line("")
		w.stack(i+1, s)
	}
	w.assets(p.Assets)
	w.commands("Afterwards", p.PostDeploy)
	w.ending(p)
	return w.text.String()
}

// planWriter formats a plan for people.
type planWriter struct {
	text  strings.Builder
	color bool
}

func (w *planWriter) line(format string, args ...any) {
	w.text.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (w *planWriter) in(style screen.Style, text string) string {
	if !w.color {
		return text
	}
	return style.Paint(text)
}

func (p *Plan) counts() string {
	var words []string
	for _, intent := range []Intent{WillCreate, WillUpdate, WillRecreate, WillRollBack, WillWait, WillFail, WillDestroy, WillLeave, WillKeep} {
		count := 0
		for _, s := range p.Stacks {
			if s.Intent == intent {
				count++
			}
		}
		if count > 0 {
			words = append(words, fmt.Sprintf("%d %s", count, inCounts[intent]))
		}
	}
	order := "one at a time, in this order"
	if p.Concurrency > 1 {
		order = fmt.Sprintf("up to %d at once", p.Concurrency)
	}
	return fmt.Sprintf("%s: %s; %s", Count(len(p.Stacks), "stack"), strings.Join(words, ", "), order)
}

var inCounts = map[Intent]string{
	WillCreate: "to create", WillUpdate: "to update", WillKeep: "unchanged", WillRecreate: "to delete and create again",
	WillRollBack: "to roll back and update", WillWait: "to be planned later", WillFail: "blocked", WillDestroy: "to destroy", WillLeave: "to leave alone",
}

// Count says how many there are of something, such as "2 stacks".
func Count(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

func (w *planWriter) commands(when string, commands []string) {
	for _, command := range commands {
		w.line("")
		w.line("%s: $ %s", when, errs.OneLine(command))
	}
}

func (w *planWriter) stack(number int, s Stack) {
	title := fmt.Sprintf("%d. %s in %s: %s", number, s.Stack, s.Region, s.Intent)
	if s.Name != s.Stack {
		title = fmt.Sprintf("%d. %s (%s) in %s: %s", number, s.Stack, s.Name, s.Region, s.Intent)
	}
	if len(s.After) > 0 {
		title += ", after " + strings.Join(s.After, ", ")
	}
	w.line("%s", w.in(screen.Bold, title))
	if s.Because != "" {
		w.line("   %s", errs.OneLine(s.Because))
	}
	if s.Hint != "" {
		w.line("   hint: %s", errs.OneLine(s.Hint))
	}
	for _, warning := range s.Warnings {
		w.line("   %s %s", w.in(screen.Yellow, "warning:"), errs.OneLine(warning))
	}
	w.changes(s.Changes)
	for _, c := range s.Changes {
		if fate := c.Fate(); fate != "" {
			w.line("   %s %s", w.in(screen.BoldRed, "data:"), fate)
		}
	}
	for _, b := range s.Broader {
		where := ""
		if len(b.Nested) > 0 {
			where = " (" + cmp.Or(b.Path, strings.Join(append(slices.Clone(b.Nested), b.LogicalID), "/")) + ")"
		}
		w.line("   %s %s%s", w.in(screen.BoldRed, broader[b.Kind]), shortened(errs.OneLine(b.Text), 200), where)
	}
	if s.Protection != nil {
		w.line("   termination protection: %s", map[bool]string{true: "on", false: "off"}[*s.Protection])
	}
	if !s.Stays() {
		w.roles(s)
	}
}

var broader = map[diff.Kind]string{diff.IAM: "broader permissions:", diff.Network: "broader network:"}

func (w *planWriter) roles(s Stack) {
	if s.DeployRole != "" {
		w.line("   deployed by %s", afterSlash(s.DeployRole))
	}
	if s.ExecutionRole != "" {
		w.line("   CloudFormation acts as %s", afterSlash(s.ExecutionRole))
	}
}

var actionColors = map[string]screen.Style{"add": screen.Green, "import": screen.Green, "modify": screen.Yellow, "may replace": screen.Red, "replace": screen.Red, "remove": screen.Red, "may remove": screen.Red}

func (w *planWriter) changes(changes []Resource) {
	actions, names := 0, 0
	for _, c := range changes {
		actions, names = max(actions, len(c.Action)), max(names, utf8.RuneCountInString(errs.OneLine(c.Name())))
	}
	for _, c := range changes {
		action := w.in(actionColors[c.Action], c.Action) + strings.Repeat(" ", actions-len(c.Action))
		name := errs.OneLine(c.Name())
		w.line("   %s  %s%s  %s%s", action, name, strings.Repeat(" ", names-utf8.RuneCountInString(name)), errs.OneLine(c.Type), c.because())
		for _, p := range c.Properties {
			w.line("   %s  %s: %s → %s", strings.Repeat(" ", actions+2), errs.OneLine(p.Path), value(p.Before), value(p.After))
		}
	}
}

// Fate says what becomes of the data of a resource; "" if it keeps none, or stays.
func (c Resource) Fate() string {
	if c.Data == "" {
		return ""
	}
	verb := map[string]string{Replace: "is replaced", MayReplace: "may be replaced", Remove: "is removed", MayRemove: "may be removed"}[c.Action]
	return errs.OneLine(c.Name()) + " " + verb + c.because() + "; " + fates[c.Data]
}

// because names the properties that replace a resource.
func (c Resource) because() string {
	if len(c.Causes) == 0 {
		return ""
	}
	return " because of " + shortened(errs.OneLine(strings.Join(c.Causes, ", ")), longestValue)
}

var fates = map[diff.Kept]string{
	diff.Deleted: "its data is deleted", diff.Retained: "its data stays outside of the stack", diff.Snapshotted: "a snapshot of its data stays",
}

// longestValue bounds a property's value in the text, in characters.
const longestValue = 60

func value(text string) string {
	if text == "" {
		return "(none)"
	}
	return shortened(errs.OneLine(text), longestValue)
}

func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

func (w *planWriter) assets(all []Asset) {
	if len(all) == 0 {
		return
	}
	there := len(slices.DeleteFunc(slices.Clone(all), func(a Asset) bool { return !a.Exists }))
	w.line("")
	w.line("%s", w.in(screen.Bold, fmt.Sprintf("%s: %d there already, %d to publish", Count(len(all), "asset"), there, len(all)-there)))
	for _, a := range all {
		switch {
		case a.Exists:
		case a.Image:
			w.line("   build and push  %s  %s", errs.OneLine(a.Asset), errs.OneLine(a.To))
		default:
			w.line("   upload  %s  %s", errs.OneLine(a.Asset), errs.OneLine(a.To))
		}
	}
}

func (w *planWriter) ending(p *Plan) {
	w.line("")
	switch {
	case p.Basis == FromTemplates:
		w.line("Nothing was created or executed: the templates of the commit were compared with the deployed ones.")
		w.line("What follows from the values of parameters and from what AWS decides is seen at the deployment.")
	case p.Kept:
		w.line("Nothing was executed. The next deployment of the same content executes these change sets,")
		w.line("--execute-plan with the file of --plan-file executes them and nothing else.")
	default:
		w.line("Nothing was executed, and all that was created for this plan was deleted. --plan-file keeps the change sets for --execute-plan.")
	}
	for _, s := range p.Stacks {
		if p.Kept && s.Intent == WillCreate {
			w.line("An empty stack holds the change set of %s; this discards it: aws cloudformation delete-stack --region %s --stack-name %s", s.Stack, s.Region, s.Name)
		}
	}
	if p.Broader {
		w.line("%s", w.in(screen.BoldRed, "Permissions become broader; see \"broader\" above."))
	}
	if p.Destructive {
		w.line("%s", w.in(screen.BoldRed, "Data is lost, or left behind; see \"data\" above."))
	}
}

func afterSlash(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
