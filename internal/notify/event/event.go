package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Type is the type of an event. Types stay: receivers filter by them.
type Type string

// The types of events.
const (
	// Finished is the end of a run, whatever came of it.
	Finished Type = "com.aphex.pipeline.run.finished"
	// Test is the event of generator notify --test; its run did not happen.
	Test Type = "com.aphex.pipeline.notification.test"
)

// Outcome is what came of a run, or of an environment of it.
type Outcome string

// The outcomes.
const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	Stopped   Outcome = "stopped" // by a person or a signal
	// Superseded is a run that a newer one made needless before it deployed.
	Superseded Outcome = "superseded"
	// Skipped is a run that had nothing to do.
	Skipped Outcome = "skipped"
)

// Schema is the URL of the JSON Schema of an event.
const Schema = "https://raw.githubusercontent.com/aphex/aphex-pipeline/main/schema/run-event.schema.json"

// Event is something that happened in a run.
type Event struct {
	SpecVersion     string    `json:"specversion"`     // of CloudEvents: 1.0
	ID              string    `json:"id"`              // the same each time that the event is sent
	Source          string    `json:"source"`          // artifact bucket of the pipeline, as s3://<name>
	Type            Type      `json:"type"`            // kind of event
	Subject         string    `json:"subject"`         // name of the run
	Time            time.Time `json:"time"`            // UTC
	DataContentType string    `json:"datacontenttype"` // application/json
	DataSchema      string    `json:"dataschema"`      // URL of the JSON Schema
	Data            Run       `json:"data"`
}

// Run is a run of a pipeline. Texts of others, such as the branch and errors, are one
// line without control characters, and cut; they are not escaped for any format.
type Run struct {
	Pipeline     string        `json:"pipeline"` // its name: workflowTemplateName
	Run          string        `json:"run"`
	Outcome      Outcome       `json:"outcome"`
	Recovered    bool          `json:"recovered,omitempty"`  // it succeeded, and the run before it failed
	Check        bool          `json:"check,omitempty"`      // it checked a pull request, and deployed nothing
	HandedOver   string        `json:"handedOver,omitempty"` // successor run, which deploys the commit
	Commit       string        `json:"commit"`
	Branch       string        `json:"branch,omitempty"`
	Repository   string        `json:"repository,omitempty"` // URL
	Pusher       string        `json:"pusher,omitempty"`     // login
	Created      time.Time     `json:"created,omitzero"`
	Ended        time.Time     `json:"ended,omitzero"`
	Error        string        `json:"error,omitempty"`        // of the first step that failed
	Hint         string        `json:"hint,omitempty"`         // what to do about it
	Environments []Environment `json:"environments,omitempty"` // whose deployment began, in that order
	NotReached   []string      `json:"notReached,omitempty"`   // environments of the commit whose deployment did not begin and that nobody left out, by name
	URL          string        `json:"url,omitempty"`          // page of the run, if runUrl is configured
	Skipped      string        `json:"skipped,omitempty"`      // why the run had nothing to do
}

// Environment is the deployment of a run to an environment, with its tests.
type Environment struct {
	Name    string    `json:"name"`
	Outcome Outcome   `json:"outcome"`
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Error   string    `json:"error,omitempty"`
	Stacks  []Stack   `json:"stacks,omitempty"` // as far as the deployment reported them
}

// Stack is the deployment of a stack.
type Stack struct {
	Name    string  `json:"name"`   // in CloudFormation
	Action  string  `json:"action"` // created, updated, unchanged, failed, stopped or skipped
	Seconds float64 `json:"seconds"`
}

// New returns an event about a run. The parts identify it among the events of its type and
// run: equal parts give an equal id, by which a receiver recognises what it got already.
func New(kind Type, source string, at time.Time, run Run, parts ...string) Event {
	digest := sha256.Sum256([]byte(strings.Join(append([]string{source, string(kind), run.Run}, parts...), "\n")))
	return Event{
		SpecVersion: "1.0", ID: hex.EncodeToString(digest[:16]), Source: source, Type: kind, Subject: run.Run, Time: at.UTC(),
		DataContentType: "application/json", DataSchema: Schema, Data: run,
	}
}

// Reaches reports whether the deployment of one of these environments began in the run.
func (r Run) Reaches(environments []string) bool {
	for _, env := range r.Environments {
		for _, name := range environments {
			if env.Name == name {
				return true
			}
		}
	}
	return false
}
