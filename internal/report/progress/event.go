package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Event is a progress event. Its JSON keys are those of the log records of a pod and
// must not change.
type Event struct {
	Time     time.Time `json:"at"`
	Scope    Scope     `json:"scope"`
	Subject  string    `json:"subject"`            // the stack's name in the configuration, an asset's name, or the environment's
	Step     string    `json:"step"`               // such as "preparing", "published" or a resource's status
	Resource string    `json:"resource,omitempty"` // construct path or logical id
	Type     string    `json:"type,omitempty"`     // of the resource
	Text     string    `json:"text,omitempty"`     // reason or message
	Done     int       `json:"done,omitempty"`     // resources of the stack's change set that are done
	Total    int       `json:"total,omitempty"`    // resources in the stack's change set
	Seconds  float64   `json:"seconds,omitempty"`  // since the stack began
	Last     float64   `json:"last,omitempty"`     // seconds the stack's last deployment took

	Doing  string `json:"-"` // what the subject does from now on; empty is no change
	ID     string `json:"-"` // identifies a resource of a stack; empty is the stack itself
	Counts bool   `json:"-"` // the resource is one of the stack's change set
}

// Scope is the kind of an event's subject.
type Scope string

// The values of Scope.
const (
	Stage Scope = "stage" // the stage as a whole, or the environment
	Stack Scope = "stack"
	Asset Scope = "asset"
)

// Steps with a meaning of their own, besides the statuses of resources.
const (
	Still    = "still"    // nothing happened for a while; the text states what the subject waits for
	Finished = "finished" // a stack is up to date
	Failed   = "failed"
	Skipped  = "skipped" // a stack was not started
	Stopped  = "stopped" // the stack was abandoned when the run was interrupted
)

// Line returns an event as one line of text.
func Line(e Event) string {
	line := fmt.Sprintf("%s  %-16s %-20s", e.Time.Local().Format(time.TimeOnly), e.Subject, e.Step)
	if e.Resource != "" {
		line += fmt.Sprintf(" %s (%s)", e.Resource, e.Type)
	}
	if e.Text != "" {
		line += "  " + errs.OneLine(e.Text)
	}
	if e.Step == Still && e.Total > 0 {
		line += fmt.Sprintf("  %d/%d", e.Done, e.Total)
	}
	if e.Last > 0 && e.Resource == "" {
		line += fmt.Sprintf("  (last time %s)", seconds(duration(e.Last)))
	}
	return strings.TrimRight(line, " ")
}

// attributes returns the event as the attributes of a log record.
func (e Event) attributes() []any {
	list := []any{"scope", string(e.Scope), "subject", e.Subject, "step", e.Step, "at", e.Time.UTC().Format(time.RFC3339Nano)}
	add := func(key string, value any, present bool) {
		if present {
			list = append(list, key, value)
		}
	}
	add("resource", e.Resource, e.Resource != "")
	add("type", e.Type, e.Type != "")
	add("text", e.Text, e.Text != "")
	add("done", e.Done, e.Total > 0)
	add("total", e.Total, e.Total > 0)
	add("seconds", e.Seconds, e.Seconds > 0)
	add("last", e.Last, e.Last > 0)
	return list
}

// verbs are the words for operations of CloudFormation that are in progress.
var verbs = map[string]string{
	"create": "creating", "update": "updating", "delete": "deleting", "import": "importing", "rollback": "rolling back",
	"update rollback": "rolling back", "import rollback": "rolling back",
}

// Operation describes what the status of a resource says is in progress, such as
// "creating AWS::Lambda::Function Handler"; it is "" for a status that is final.
func Operation(status, what string) string {
	operation, inProgress := strings.CutSuffix(status, "_IN_PROGRESS")
	if !inProgress {
		return ""
	}
	operation = strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(operation, "_COMPLETE_CLEANUP"), "_", " "))
	if verb, known := verbs[operation]; known {
		return verb + " " + what
	}
	return operation + " of " + what
}

// ShortName returns the construct path of a resource without its stack's, and without
// the CDK's suffixes /Resource and /Default.
func ShortName(stack, resource string) string {
	return strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(resource, stack+"/"), "/Resource"), "/Default")
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// tenths returns a duration in seconds, rounded to a tenth.
func tenths(d time.Duration) float64 { return d.Round(100 * time.Millisecond).Seconds() }

// seconds formats a duration: "0.4s", "31s", "1m12s".
func seconds(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", max(0, d).Seconds())
	}
	return d.Round(time.Second).String()
}
