package deploy

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
	w.line("%s", p.counts())
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
	for _, intent := range []Intent{WillCreate, WillUpdate, WillRecreate, WillRollBack, WillWait, WillFail, WillKeep} {
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
	return fmt.Sprintf("%s: %s; %s", plural(len(p.Stacks), "stack"), strings.Join(words, ", "), order)
}

var inCounts = map[Intent]string{
	WillCreate: "to create", WillUpdate: "to update", WillKeep: "unchanged", WillRecreate: "to delete and create again",
	WillRollBack: "to roll back and update", WillWait: "to be planned later", WillFail: "blocked",
}

func plural(count int, noun string) string {
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

func (w *planWriter) stack(number int, s PlannedStack) {
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
	w.changes(s.Changes)
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
	if s.Intent != WillKeep {
		w.roles(s)
	}
}

var broader = map[diff.Kind]string{diff.IAM: "broader permissions:", diff.Network: "broader network:"}

func (w *planWriter) roles(s PlannedStack) {
	if s.DeployRole != "" {
		w.line("   deployed by %s", afterSlash(s.DeployRole))
	}
	if s.ExecutionRole != "" {
		w.line("   CloudFormation acts as %s", afterSlash(s.ExecutionRole))
	}
}

var actionColors = map[string]screen.Style{"add": screen.Green, "import": screen.Green, "modify": screen.Yellow, "may replace": screen.Red, "replace": screen.Red, "remove": screen.Red}

func (w *planWriter) changes(changes []PlannedChange) {
	actions, names := 0, 0
	for _, c := range changes {
		actions, names = max(actions, len(c.Action)), max(names, utf8.RuneCountInString(c.name()))
	}
	for _, c := range changes {
		action := w.in(actionColors[c.Action], c.Action) + strings.Repeat(" ", actions-len(c.Action))
		w.line("   %s  %s%s  %s", action, c.name(), strings.Repeat(" ", names-utf8.RuneCountInString(c.name())), c.Type)
		for _, p := range c.Properties {
			w.line("   %s  %s: %s → %s", strings.Repeat(" ", actions+2), p.Path, value(p.Before), value(p.After))
		}
	}
}

// name is the construct path, or else the logical ids.
func (c PlannedChange) name() string {
	return cmp.Or(c.Path, strings.Join(append(slices.Clone(c.Nested), c.LogicalID), "/"))
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

func (w *planWriter) assets(all []PlannedAsset) {
	if len(all) == 0 {
		return
	}
	there := len(slices.DeleteFunc(slices.Clone(all), func(a PlannedAsset) bool { return !a.Exists }))
	w.line("")
	w.line("%s", w.in(screen.Bold, fmt.Sprintf("%s: %d there already, %d to publish", plural(len(all), "asset"), there, len(all)-there)))
	for _, a := range all {
		switch {
		case a.Exists:
		case a.Image:
			w.line("   build and push  %s  %s", a.Asset, a.To)
		default:
			w.line("   upload  %s  %s", a.Asset, a.To)
		}
	}
}

func (w *planWriter) ending(p *Plan) {
	w.line("")
	if p.kept {
		w.line("Nothing was executed. The next deployment of the same content executes these change sets,")
		w.line("--execute-plan with the file of --plan-file executes them and nothing else.")
	} else {
		w.line("Nothing was executed, and all that was created for this plan was deleted. --plan-file keeps the change sets for --execute-plan.")
	}
	for _, s := range p.Stacks {
		if p.kept && s.Intent == WillCreate {
			w.line("An empty stack holds the change set of %s; this discards it: aws cloudformation delete-stack --region %s --stack-name %s", s.Stack, s.Region, s.Name)
		}
	}
	if p.Broader {
		w.line("%s", w.in(screen.BoldRed, "Permissions become broader; see \"broader\" above."))
	}
}

func afterSlash(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// Summary returns the intent for each stack.
func (p *Plan) Summary() Summary {
	summary := Summary{Environment: p.Environment, Stacks: []StackSummary{}}
	for _, s := range p.Stacks {
		summary.Stacks = append(summary.Stacks, StackSummary{
			Stack: s.Stack, Name: s.Name, Region: s.Region, Action: "planned: " + string(s.Intent), Status: s.Status, Because: s.Because,
		})
	}
	return summary
}
