package cfn

import (
	"time"
)

// Goal is what a stack is to become.
type Goal struct {
	Name                  string
	Template              []byte   // JSON
	Nested                [][]byte `json:"-"` // templates of nested stacks, which the template names by their digests
	TemplateURL           string   // where CloudFormation finds the template, https; may be empty
	Parameters            map[string]string
	Tags                  map[string]string
	NotificationARNs      []string // nil leaves those of the stack alone
	TerminationProtection bool
	ExecutionRole         string // ARN that CloudFormation takes on; may be empty

	// ConstructPath gives the path of the construct behind a logical id in the
	// stack, or in a nested stack of it; "" if it is not known. It may be nil.
	ConstructPath func(nested []string, logicalID string) string `json:"-"`
	// Source gives "file:line" of the app's code that made the construct with a
	// path; "" if it is not known. It may be nil.
	Source func(path string) string `json:"-"`
	// Path is the stack's own construct path; it may be empty.
	Path string `json:"-"`
}

// Action is what became of a stack.
type Action string

const (
	// Created is a stack that was not there before.
	Created Action = "created"
	// Updated is a stack that was changed, if only in its termination protection.
	Updated Action = "updated"
	// Unchanged is a stack that was as it should be.
	Unchanged Action = "unchanged"
	// Planned is a stack whose change set was made but not executed.
	Planned Action = "planned"
)

// Result is what a deployment did. It is filled as far as things went when
// there is an error.
type Result struct {
	Action    Action
	StackID   string // ARN
	Status    string
	Outputs   []Output
	Changes   []Change
	Reason    string // why it was not left alone, such as "its tags changed"
	Protect   *bool  // what termination protection was changed to; nil left it
	ChangeSet string // ARN of the change set, if it was only planned
	Digest    string // "sha256:<hex>" of the goal
	Attached  bool   // it first waited for an operation that somebody else had begun
	Calls     int    // API calls made
	Started   time.Time
	Ended     time.Time
}

// Output is one output of a stack.
type Output struct {
	Key         string
	Value       string
	Description string
	ExportName  string
}

// Change is one resource that a change set touches.
type Change struct {
	Action      string // "Add", "Modify", "Remove", "Import" or "Dynamic"
	LogicalID   string
	Type        string
	Replacement string // "True", "False", "Conditional" or ""

	physicalID string // of the resource as it is
	changeSet  string // ARN of that of a nested stack
}

// Event is something that happened during a deployment.
type Event struct {
	Stack    string // name
	Time     time.Time
	Phase    Phase
	Text     string         // for people, if there is more to say than the phase
	Total    int            // resources that the change set touches; set in phase Executing only
	Resource *ResourceEvent // set in phase Resource only
}

// Phase is where in a deployment an event belongs.
type Phase string

const (
	// Comparing looks at the deployed stack.
	Comparing Phase = "comparing"
	// Waiting is for an operation that somebody else began.
	Waiting Phase = "waiting"
	// Clearing deletes what is left of a stack that was never created, or rolls a failed one back.
	Clearing Phase = "clearing"
	// Preparing makes the change set.
	Preparing Phase = "preparing"
	// Executing begins the change.
	Executing Phase = "executing"
	// Resource is one resource that took a step.
	Resource Phase = "resource"
	// Finished ends a deployment well.
	Finished Phase = "finished"
)

// ResourceEvent is one step of one resource.
type ResourceEvent struct {
	ID         string // of the event
	StackID    string // ARN of the stack that the resource is in
	Nested     []string
	LogicalID  string
	PhysicalID string
	Type       string
	Status     string
	Reason     string
	Hook       string // type of the hook that the event is about; may be empty
	HookStatus string
	HookReason string
	Time       time.Time
}

// isStack says whether the event is about the stack whose events these are.
func (e ResourceEvent) isStack() bool {
	return e.Type == stackType && e.PhysicalID == e.StackID
}

const stackType = "AWS::CloudFormation::Stack"
