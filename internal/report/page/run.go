package page

import "time"

// Status is how a run, a stage, a stack or a resource ended. Its value is a class of the style sheet.
type Status string

// The values of Status.
const (
	Good    Status = "good"
	Bad     Status = "bad"
	Stopped Status = "stopped" // by a person, a signal or a newer run
	Idle    Status = "idle"    // nothing was to be done
	Open    Status = "open"    // it has not ended
)

// Run is what the page of a run shows.
type Run struct {
	Pipeline     string
	Name         string
	Word         string // its status, such as Succeeded
	Status       Status
	Commit       string
	Repository   string // URL
	Facts        []Fact
	Cause        *Cause // of a run that did not succeed
	Created      time.Time
	Ended        time.Time
	Timeline     []Span
	Environments []Environment
	Notes        []Note
	Version      string // of the program that writes the page
}

// Fact is one line about a run.
type Fact struct{ Label, Text string }

// Cause is why a run did not succeed.
type Cause struct {
	Where string // step
	Error string // may have several lines
	Hint  string
}

// Span is a stage, with its stacks, with their resources.
type Span struct {
	Name    string
	Note    string // what was done, such as "updated, 3 to add"
	Kind    string // of a resource, such as AWS::S3::Bucket
	Status  Status
	Error   string
	Started time.Time // zero is unknown
	Seconds float64
	Waits   bool // it only waits, as for a window: its time is cut from the axis
	Spans   []Span
}

// Environment is what a run did in an environment, besides its time.
type Environment struct {
	Name    string
	Status  Status
	Gates   []Gate
	Rights  []Right
	Tests   *Tests
	Outputs []Output
	Omitted int // outputs that the record does not have
}

// Gate is what a gate decided before the deployment began.
type Gate struct {
	Name, State, Reason string
	By, Why             string // of a person who let the run pass
	Attested            bool   // the API server compared the person with the name
}

// Right is one permission that a deployment widened.
type Right struct{ Stack, Resource, Text string }

// Tests are the results of the tests.
type Tests struct {
	Status Status
	Total  int
	Broken int // failures and errors
	Left   int // skipped
	Failed []string
	Error  string
}

// Output is an output of a stack.
type Output struct{ Stack, Key, Value string }

// Note is a list of what a reader should know, such as stacks that nothing deploys.
type Note struct {
	Title string
	Lines []string
}
