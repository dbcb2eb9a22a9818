package cloudformation

import (
	"context"
	"errors"
	"time"
)

// The kinds of operations, as LastOperations names them.
const (
	createStack      = "CREATE_STACK"
	updateStack      = "UPDATE_STACK"
	deleteStack      = "DELETE_STACK"
	rollBackStack    = "ROLLBACK"
	continueRollback = "CONTINUE_ROLLBACK"
	cancelUpdate     = "CANCEL_UPDATE" // for tokens only: the update continues as a rollback
)

// phase is the current phase of an operation. A phase can be restarted from
// the state of the stack alone, which is how operations survive a snapshot.
type phase string

const (
	deploying        phase = "deploy"           // creates and updates resources
	cleaning         phase = "cleanup"          // deletes what an update left over
	undoingCreation  phase = "undo-creation"    // deletes what a creation made
	undoingUpdate    phase = "undo-update"      // restores the resources of the stable version
	cleaningRollback phase = "rollback-cleanup" // deletes what a failed update made
	removing         phase = "delete"           // deletes the stack
)

// operation is the operation on a stack.
type operation struct {
	ID    string
	Kind  string
	Token string
	Phase phase
	// OnFailure of a deployment: ROLLBACK, DO_NOTHING or DELETE.
	OnFailure string
	// Nested operations leave the cleanup to their parent's.
	Nested bool
	// Retain and Skip are logical ids of a deletion and of a rollback.
	Retain, Skip []string
	Force        bool   // failing resources are given up
	Before       string // the status before a deletion
	ChangeSet    string // the ARN of the change set that is executed
	Cancelled    bool   // by the user or by the parent
	// Alarms are the ARNs of the alarms that stopped it; Monitored is when the time began for
	// which alarms are monitored once all resources are deployed.
	Alarms    []string
	Monitored time.Time
	// Imports are the logical ids that are imported instead of created, by the
	// ARN of their stack.
	Imports map[string][]string
	Next    *operation

	cancel context.CancelCauseFunc
}

// The causes for stopping an operation early.
var (
	errCancelled = errors.New("cancelled")
	errClosed    = errors.New("the engine was closed")
)

// rollsBack reports whether a failure leads to a rollback.
func (o *operation) rollsBack() bool { return o.OnFailure != "DO_NOTHING" }
