package cfn

import (
	"slices"
	"strings"
)

// start is what must be done with a stack before a change set can be created.
type start int

const (
	startNew      start = iota // it does not exist, or is empty
	startUpdate                // it can be updated
	startWait                  // an operation is in progress
	startDelete                // its creation failed; it can only be deleted
	startRollback              // an operation was interrupted; it can be rolled back
	startContinue              // its rollback was interrupted; it can be continued
	startBroken                // a person must fix it
)

// startOf maps a stack's status; "" is no stack.
func startOf(status string) start {
	switch status {
	case "", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE":
		return startNew
	case "ROLLBACK_COMPLETE", "ROLLBACK_FAILED":
		return startDelete
	case "CREATE_FAILED", "UPDATE_FAILED":
		return startRollback
	case "UPDATE_ROLLBACK_FAILED":
		return startContinue
	case "DELETE_FAILED", "IMPORT_ROLLBACK_FAILED":
		return startBroken
	}
	if isRunning(status) {
		return startWait
	}
	return startUpdate
}

// isRunning reports whether an operation is in progress. A stack that cleans up
// after an update still runs; one under review does not.
func isRunning(status string) bool {
	return strings.HasSuffix(status, "_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS"
}

// isSuccess reports whether a deployment succeeded.
func isSuccess(status string) bool {
	return slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}, status)
}

// begins reports whether the status of a stack marks the start of an operation.
func begins(status string) bool {
	return slices.Contains([]string{
		"REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS",
	}, status)
}

// noChanges are the prefixes of CloudFormation's reasons for a change set without
// changes.
var noChanges = []string{
	"The submitted information didn't contain changes.",
	"No updates are to be performed.",
}

func saysNoChanges(reason string) bool {
	return slices.ContainsFunc(noChanges, func(start string) bool { return strings.HasPrefix(reason, start) })
}
