package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Approval names the gate of approvals. An override does not open it.
const Approval Name = "approval"

// HoldsApproval is how long an approval holds: a run lasts a week, and a day is left for what
// comes after the wait.
const HoldsApproval = 6 * 24 * time.Hour

// Decision is that of a person about the deployment of a run to an environment.
type Decision struct {
	Run         string    `json:"run"`
	Environment string    `json:"environment"`
	Reject      bool      `json:"reject,omitempty"`
	By          string    `json:"by"`
	Attested    bool      `json:"attested"` // whether the API server compared the person with the name
	Why         string    `json:"why,omitempty"`
	At          time.Time `json:"at"`
}

// String says who decided what, when and why.
func (d Decision) String() string {
	text := "approved"
	if d.Reject {
		text = "rejected"
	}
	text += " by " + d.By
	if !d.Attested {
		text += " (not attested)"
	}
	text += " at " + d.At.UTC().Format(time.RFC3339)
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}

// of reports whether the decision is about the deployment of a run to an environment.
func (d Decision) of(run, environment string) bool {
	return d.Run == run && d.Environment == environment
}

// approval is the gate of an environment whose deployments a person approves.
type approval struct{}

func (approval) Name() Name { return Approval }

func (approval) Declared(k Known) bool { return k.Plan == nil && k.Requires }

// Evaluate looks for what people decided about this run and environment. One rejection is enough.
func (approval) Evaluate(k Known) Outcome {
	var found, expired []Decision
	for _, d := range k.Decisions {
		switch {
		case !d.of(k.Run, k.Environment.Name):
		case d.Reject:
			return Outcome{State: Rejected, Reason: d.String(), Decisions: []Decision{d}}
		case k.Wall.Sub(d.At) >= HoldsApproval:
			expired = append(expired, d)
		case !slices.ContainsFunc(found, func(other Decision) bool { return other.By == d.By }):
			found = append(found, d)
		}
	}
	if len(found) > 0 {
		return Outcome{State: Open, Reason: said(found), Decisions: found}
	}
	reason := fmt.Sprintf("it waits for an approval (generator approve %s --environment %s)", k.Run, k.Environment.Name)
	if len(expired) > 0 {
		reason += "; an earlier one has expired: " + said(expired)
	}
	return Outcome{State: Closed, Reason: reason}
}

// said says what several people decided.
func said(decisions []Decision) string {
	var texts []string
	for _, d := range decisions {
		texts = append(texts, d.String())
	}
	return strings.Join(texts, "; ")
}
