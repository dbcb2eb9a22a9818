package cfn

import (
	"time"
)

// Goal is the desired state of a stack.
type Goal struct {
	Name                  string
	Template              []byte   // JSON
	Nested                [][]byte `json:"-"` // templates of nested stacks, which the template names by their digests
	TemplateURL           string   // https; may be empty
	Parameters            map[string]string
	Tags                  map[string]string
	NotificationARNs      []string // nil keeps those of the stack
	Alarms                *Alarms  `json:",omitempty"` // nil keeps those of the stack
	ImportExisting        bool     `json:",omitempty"` // adopt resources that exist with the names in the template
	TerminationProtection bool
	ExecutionRole         string // ARN of the role that CloudFormation assumes; may be empty

	// ConstructPath returns the construct path of a logical id in the stack, or in a
	// nested stack of it; "" if unknown. It may be nil.
	ConstructPath func(nested []string, logicalID string) string `json:"-"`
	// Source returns the "file:line" in the app that creates the construct with a
	// path; "" if unknown. It may be nil.
	Source func(path string) string `json:"-"`
	// Path is the stack's own construct path; it may be empty.
	Path string `json:"-"`
}

// Action is what a deployment did with a stack.
type Action string

const (
	// Created is a new stack.
	Created Action = "created"
	// Updated is a stack that was changed, if only in its termination protection.
	Updated Action = "updated"
	// Unchanged is a stack that had its desired state.
	Unchanged Action = "unchanged"
	// Planned is a stack whose change set was created but not executed.
	Planned Action = "planned"
)

// Result is the result of a deployment. After an error it is filled as far as
// known.
type Result struct {
	Action    Action
	StackID   string // ARN
	Status    string
	Outputs   []Output
	Changes   []Change
	Warnings  []Finding // of early validation and hooks, which stop nothing
	Reason    string    // why it changed, such as "its tags changed"
	Protect   *bool     // new termination protection; nil if unchanged
	ChangeSet string    // ARN of the change set, if it was only planned
	Digest    string    // "sha256:<hex>" of the goal
	Template  string    // "sha256:<hex>" of its template
	Attached  bool      // it first waited for an operation that another process started
	Calls     int       // API calls made
	Started   time.Time
	Ended     time.Time

	Events []ResourceEvent // of its own operation, oldest first
	// Before is the template before the change, empty for a new stack; nil is unknown.
	Before []byte
}

// Output is one output of a stack.
type Output struct {
	Key         string
	Value       string
	Description string
	ExportName  string
}

// Change is one resource that a change set changes.
type Change struct {
	Action      string // "Add", "Modify", "Remove", "Import" or "Dynamic"
	LogicalID   string
	Type        string
	Replacement string   // "True", "False", "Conditional" or ""
	Because     []string // properties whose change replaces it, or may; sorted

	physicalID string // before the change
	changeSet  string // ARN of the change set of a nested stack
}

// Event is a step of a deployment.
type Event struct {
	Stack    string // name
	Time     time.Time
	Phase    Phase
	Text     string         // details for people; may be empty
	Total    int            // number of resources that the change set changes; set in phase Executing only
	Resource *ResourceEvent // set in phase Resource only
}

// Phase is the phase of a deployment that an event belongs to.
type Phase string

const (
	// Comparing reads the deployed stack.
	Comparing Phase = "comparing"
	// Waiting waits for an operation that another process started.
	Waiting Phase = "waiting"
	// Clearing deletes the remains of a failed creation, or rolls a failed stack back.
	Clearing Phase = "clearing"
	// Preparing creates the change set.
	Preparing Phase = "preparing"
	// Warning is a finding of early validation or of a hook, which stops nothing.
	Warning Phase = "warning"
	// Executing executes the change set.
	Executing Phase = "executing"
	// Resource is a step of one resource.
	Resource Phase = "resource"
	// Finished ends a successful deployment.
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
	HookID     string // of its invocation
	HookStatus string
	HookReason string
	HookWarns  bool      // what the hook finds stops nothing
	Properties string    // of the resource, as JSON; may be empty
	Began      time.Time // when the step began that failed; set in a Failure only
	Time       time.Time
}

// isStack reports whether the event is about the stack itself.
func (e ResourceEvent) isStack() bool {
	return e.Type == stackType && e.PhysicalID == e.StackID
}

const stackType = "AWS::CloudFormation::Stack"
