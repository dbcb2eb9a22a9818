package stacks

import "time"

// Rule makes operations on matching resources fail. Empty fields match
// everything.
type Rule struct {
	Stack     string // a stack's name
	LogicalID string
	Type      string
	Operation string // CREATE, UPDATE or DELETE
	Reason    string // what the event says; a default text when empty
	Times     int    // how often the rule applies; 0 means for ever
	// Delay is how long the resource works before it fails, on top of its
	// usual time.
	Delay time.Duration
}
