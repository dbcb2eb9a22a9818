package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// NameOfRun is the parsed name of a run of a commit. A commit has one first run; the
// names of its later runs are derived from it:
//
//	shop-<32 digits of the commit>         the first run
//	shop-<32 digits of the commit>-r2      its second retry
//	shop-<32 digits of the commit>-b1      the first rollback to the commit
//	shop-<32 digits of the commit>-o1      the first that approves or rejects another one, or lets it pass gates
//	shop-<32 digits of the commit>-s0f3k   on schedule, at that time
//	shop-<32 digits of the commit>-t9a41   of a tag with that digest
//	shop-<32 digits of the commit>-h       the successor of the first run
//	shop-<32 digits of the commit>-r2-h    the successor of the second retry
//
// Argo labels pods with the name of their Workflow, which limits it to 63
// characters: 23 of the prefix, 32 of the commit, and 8 of the suffix.
type NameOfRun struct {
	Prefix     string // workflowNamePrefix
	Commit     string // first 32 digits of the commit; all of them in names of earlier versions
	Retry      int    // number of the retry, from 1; 0 is none
	Rollback   int    // number of the rollback, from 1; 0 is none
	Override   int    // number of the run that says something about another one, from 1; 0 is none
	Scheduled  string // time of triggers.schedule, as [ScheduledAt] writes it; "" is none
	Tag        string // first four digits of the SHA-256 of the tag's reference; "" is none
	HandedOver bool   // a successor run
}

// Limits of the names of runs.
const (
	MostOfRunName  = 63 // characters, as in a label's value
	DigitsOfCommit = 32 // in the name of a run
	mostAgain      = 9999
)

// FirstRun returns the name of the run that a push of the commit starts.
func FirstRun(prefix, commit string) string {
	return NameOfRun{Prefix: prefix, Commit: commit}.String()
}

// FormerFirstRun returns the name of FirstRun in earlier versions, with the whole
// commit; "" if that is too long.
func FormerFirstRun(prefix, commit string) string {
	if len(prefix)+len(commit) > MostOfRunName {
		return ""
	}
	return prefix + commit
}

// Successor returns the name of the run that a run hands over to. It is the same in
// every attempt, so that a retried step never starts two. A run with a custom name
// may have one that is too long for a suffix.
func Successor(run string) string {
	return strings.TrimRight(run[:min(len(run), MostOfRunName-len(handedOver))], "-") + handedOver
}

const handedOver = "-h"

// String formats the name.
func (n NameOfRun) String() string {
	name := n.Prefix + n.Commit[:min(len(n.Commit), DigitsOfCommit)]
	switch {
	case n.Retry > 0:
		name += fmt.Sprintf("-r%d", n.Retry)
	case n.Rollback > 0:
		name += fmt.Sprintf("-b%d", n.Rollback)
	case n.Override > 0:
		name += fmt.Sprintf("-o%d", n.Override)
	case n.Scheduled != "":
		name += "-s" + n.Scheduled
	case n.Tag != "":
		name += TagSuffix + n.Tag
	}
	if n.HandedOver {
		name += handedOver
	}
	return name
}

// TagSuffix is what follows the digits of the commit in the name of a tag's run, and then
// DigitsOfTag of the digest of its reference.
const (
	TagSuffix   = "-t"
	DigitsOfTag = 4
)

// ScheduledAt writes a time as in the name of a run, with four digits. It is the same for
// all times of a minute, and comes again after three years, when no run of before is left.
func ScheduledAt(at time.Time) string {
	const base, all = 36, 36 * 36 * 36 * 36
	return strconv.FormatInt(all+at.Unix()/60%all, base)[1:]
}

var afterPrefix = regexp.MustCompile(`^([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})(?:-([rbo])([1-9][0-9]{0,3})|-s([0-9a-z]{4})|-t([0-9a-f]{4}))?(-h)?$`)

// ParseRunName parses the name of a run; ok reports whether it has that prefix and
// this scheme, or the earlier one with the whole commit.
func ParseRunName(prefix, name string) (n NameOfRun, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	parts := afterPrefix.FindStringSubmatch(rest)
	if !ok || parts == nil {
		return NameOfRun{}, false
	}
	n = NameOfRun{Prefix: prefix, Commit: parts[1], Scheduled: parts[4], Tag: parts[5], HandedOver: parts[6] != ""}
	number, _ := strconv.Atoi(parts[3]) // at most four digits
	switch parts[2] {
	case "r":
		n.Retry = number
	case "b":
		n.Rollback = number
	case "o":
		n.Override = number
	}
	if number > mostAgain || (len(n.Commit) > DigitsOfCommit && name != prefix+n.Commit) {
		return NameOfRun{}, false
	}
	return n, true
}
