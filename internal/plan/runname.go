package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// NameOfRun is the name of a run of a commit, parsed. One commit has one first
// run; whatever is run for the commit later has a name that follows from it:
//
//	shop-<32 digits of the commit>         the first run
//	shop-<32 digits of the commit>-r2      its second retry
//	shop-<32 digits of the commit>-b1      the first time that the commit was rolled back to
//	shop-<32 digits of the commit>-h       the run that the first run handed over to
//	shop-<32 digits of the commit>-r2-h    the run that the second retry handed over to
//
// Argo labels pods with the name of their Workflow, so that it has at most 63
// characters: 23 of the prefix, 32 of the commit, and 8 of what was made of it.
type NameOfRun struct {
	Prefix     string // workflowNamePrefix
	Commit     string // the first digits of the commit: 32, and all of them in a name of a former version
	Retry      int    // which retry it is, from 1; 0 is none
	Rollback   int    // which rollback it is, from 1; 0 is none
	HandedOver bool   // whether another run handed over to it
}

// Limits of the names of runs.
const (
	MostOfRunName  = 63 // characters: the most of a label's value
	DigitsOfCommit = 32 // that the name of a run bears
	mostAgain      = 9999
)

// FirstRun names the run that a push of the commit starts.
func FirstRun(prefix, commit string) string {
	return NameOfRun{Prefix: prefix, Commit: commit}.String()
}

// FormerFirstRun names the run that a push of the commit started before names of
// runs had room for more than the commit; "" where a cluster takes no such name.
func FormerFirstRun(prefix, commit string) string {
	if len(prefix)+len(commit) > MostOfRunName {
		return ""
	}
	return prefix + commit
}

// Successor names the run that a run hands over to: the same however often it is
// asked for, so that a step that is tried again never starts two. A run that a
// person gave a name of their own may have one that is too long for more.
func Successor(run string) string {
	return strings.TrimRight(run[:min(len(run), MostOfRunName-len(handedOver))], "-") + handedOver
}

const handedOver = "-h"

// String returns the whole name.
func (n NameOfRun) String() string {
	name := n.Prefix + n.Commit[:min(len(n.Commit), DigitsOfCommit)]
	switch {
	case n.Retry > 0:
		name += fmt.Sprintf("-r%d", n.Retry)
	case n.Rollback > 0:
		name += fmt.Sprintf("-b%d", n.Rollback)
	}
	if n.HandedOver {
		name += handedOver
	}
	return name
}

var afterPrefix = regexp.MustCompile(`^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?:-([rb])([1-9][0-9]{0,3}))?(-h)?$`)

// ParseRunName parses the name of a run; ok reports whether it is one of that
// prefix and of this scheme, or of the former one, whose names bear the whole commit.
func ParseRunName(prefix, name string) (n NameOfRun, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	parts := afterPrefix.FindStringSubmatch(rest)
	if !ok || parts == nil {
		return NameOfRun{}, false
	}
	n = NameOfRun{Prefix: prefix, Commit: parts[1], HandedOver: parts[4] != ""}
	number, _ := strconv.Atoi(parts[3]) // at most four digits
	if parts[2] == "r" {
		n.Retry = number
	} else {
		n.Rollback = number
	}
	if number > mostAgain || (len(n.Commit) > DigitsOfCommit && name != prefix+n.Commit) {
		return NameOfRun{}, false
	}
	return n, true
}
