package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Limits of what an outcome keeps of a plan, which may be large.
const (
	mostEvidence    = 20  // lines
	mostOfEvidence  = 300 // characters of a line
	mostInReason    = 3   // lines
	mostAcknowledge = 10  // logical ids
)

// stateful is the gate of resources that keep data and are replaced or removed: each must be
// acknowledged by its logical id.
type stateful struct{}

func (stateful) Name() Name { return Stateful }

func (stateful) Declared(k Known) bool {
	return k.Plan != nil && slices.Contains(k.Environment.HoldOn, config.HoldStateful)
}

// Evaluate looks for resources that nobody acknowledged.
func (stateful) Evaluate(k Known) Outcome {
	var found findings
	var ids, acknowledged []string
	for _, s := range k.Plan.Stacks {
		for _, r := range s.Changes {
			switch {
			case r.Data == "":
			case slices.Contains(k.Environment.Acknowledge, r.LogicalID):
				acknowledged = append(acknowledged, r.LogicalID)
			default:
				ids = append(ids, r.LogicalID)
				found.add(k.Plan, s, r.Fate())
			}
		}
	}
	if found.lines == nil && acknowledged != nil {
		return Outcome{State: Open, Reason: "acknowledged: " + listed(acknowledged)}
	}
	return found.outcome("no resource that keeps data is replaced or removed",
		fmt.Sprintf("%s with data %s replaced or removed without acknowledge: [%s]", planned.Count(len(ids), "resource"), are(len(ids)), listed(ids)))
}

func are(count int) string {
	if count == 1 {
		return "is"
	}
	return "are"
}

// listed names some logical ids.
func listed(ids []string) string {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if more := len(ids) - mostAcknowledge; more > 0 {
		ids = append(ids[:mostAcknowledge:mostAcknowledge], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(ids, ", ")
}

// broadening is the gate of permissions and networks that become broader.
type broadening struct{}

func (broadening) Name() Name { return Broadening }

func (broadening) Declared(k Known) bool {
	return k.Plan != nil && slices.Contains(k.Environment.HoldOn, config.HoldBroadening)
}

// Evaluate looks for what becomes broader.
func (broadening) Evaluate(k Known) Outcome {
	var found findings
	for _, s := range k.Plan.Stacks {
		for _, b := range s.Broader {
			found.add(k.Plan, s, b.Text)
		}
	}
	return found.outcome("neither permissions nor networks become broader", planned.Count(found.count, "broader permission or network opening"))
}

// findings are what a gate found in a plan.
type findings struct {
	lines  []string
	count  int
	stacks []string // digests of what is done with the stacks that have them
	last   string   // stack whose digest was added
}

// say adds a line.
func (f *findings) say(text string) {
	f.count++
	if len(f.lines) >= mostEvidence {
		return
	}
	chars := []rune(errs.OneLine(text))
	if len(chars) > mostOfEvidence {
		chars = append(chars[:mostOfEvidence], '…')
	}
	f.lines = append(f.lines, string(chars))
}

// add adds what was found in a stack.
func (f *findings) add(p *planned.Plan, s planned.Stack, text string) {
	f.say(s.Stack + ": " + text)
	if f.last != s.Stack {
		f.last = s.Stack
		f.of(p, s)
	}
}

// of adds the digest of what is done with a stack.
func (f *findings) of(p *planned.Plan, s planned.Stack) {
	if digest, err := p.DigestOf(s); err == nil { // a plan of ours can be encoded
		f.stacks = append(f.stacks, digest)
	}
}

// outcome is open if nothing was found, and closed with what was found otherwise.
func (f *findings) outcome(nothing, what string) Outcome {
	if f.count == 0 {
		return Outcome{State: Open, Reason: nothing}
	}
	some := f.lines[:min(len(f.lines), mostInReason)]
	reason := what + ": " + strings.Join(some, "; ")
	if more := f.count - len(some); more > 0 {
		reason += fmt.Sprintf("; and %d more", more)
	}
	if more := f.count - len(f.lines); more > 0 {
		f.lines = append(f.lines, fmt.Sprintf("and %d more", more))
	}
	return Outcome{State: Closed, Reason: reason, Evidence: f.lines, Stacks: f.stacks}
}

// covers reports whether an override opens a gate: one of a run whatever it found, one of a
// plan if it found nothing but what the person has seen.
func (o Override) covers(outcome Outcome) bool {
	if !slices.Contains(o.Gates, outcome.Gate) {
		return false
	}
	return len(o.Stacks) == 0 || len(outcome.Stacks) > 0 && !slices.ContainsFunc(outcome.Stacks, func(digest string) bool { return !slices.Contains(o.Stacks, digest) })
}

// Seen returns the digests of what gates that are closed found in a plan. A gate that is not
// among the outcomes, or not closed, is an error.
func (o Outcomes) Seen(gates []Name) (stacks []string, err error) {
	for _, name := range gates {
		at := slices.IndexFunc(o, func(one Outcome) bool { return one.Gate == name && one.State == Closed && len(one.Stacks) > 0 })
		if at < 0 {
			return nil, errs.Failedf("the gate %s did not hold the run there", name).WithHint("%s", cmp.Or(held(o), "generator show says why the run ended"))
		}
		stacks = append(stacks, o[at].Stacks...)
	}
	slices.Sort(stacks)
	return slices.Compact(stacks), nil
}

func held(o Outcomes) string {
	if names := o.Gates(); names != "" {
		return "the gates that held it are " + names
	}
	return ""
}

// Merge returns the outcomes with those of a later evaluation, whose outcome of a gate takes
// the place of an earlier one unless that says more: it was not open.
func (o Outcomes) Merge(later Outcomes) Outcomes {
	all := slices.Clone(o)
	for _, one := range later {
		at := slices.IndexFunc(all, func(had Outcome) bool { return had.Gate == one.Gate })
		switch {
		case at < 0:
			all = append(all, one)
		case one.State != Open:
			all[at] = one
		}
	}
	return all
}
