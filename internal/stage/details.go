package stage

import "time"

// Details are what only the record of a step has of its result: too much for an output.
type Details struct {
	Stacks  []StackDetails `json:"stacks,omitempty"`
	Outputs []StackOutput  `json:"outputs,omitempty"` // without those that only stacks read
	Omitted int            `json:"omitted,omitempty"` // outputs that are left out: there are too many
	Tests   *TestDetails   `json:"tests,omitempty"`
}

// StackDetails are what a deployment did to one stack.
type StackDetails struct {
	Stack     string            `json:"stack"` // name in the configuration
	Started   time.Time         `json:"started,omitzero"`
	Template  string            `json:"template,omitempty"`  // sha256:<hex>
	Goal      string            `json:"goal,omitempty"`      // sha256:<hex> of the template with parameters, tags and options, as plans have it
	Resources []ResourceDetails `json:"resources,omitempty"` // that the operation touched, in the order in which it began
	Omitted   int               `json:"omitted,omitempty"`   // resources that are left out: there are too many
	Rights    []WiderRight      `json:"rights,omitempty"`    // what the new template allows and the one before did not
}

// ResourceDetails are what the operation of a stack did to one resource.
type ResourceDetails struct {
	Name    string    `json:"name"` // construct path, or else the logical id
	Type    string    `json:"type"`
	Change  string    `json:"change"` // create, update, delete, import or rollback
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Error   string    `json:"error,omitempty"` // the reason, if it failed
}

// WiderRight is one permission that becomes broader.
type WiderRight struct {
	Resource string `json:"resource"` // logical id
	Text     string `json:"text"`
}

// StackOutput is one output of a stack.
type StackOutput struct {
	Stack string `json:"stack"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

// TestDetails are the results of the tests of an environment.
type TestDetails struct {
	Tests   int      `json:"tests"`
	Broken  int      `json:"broken"` // failures and errors
	Skipped int      `json:"skipped"`
	Failed  []string `json:"failed,omitempty"` // names
}

// detailed is an output that has details.
type detailed interface{ Details() *Details }
