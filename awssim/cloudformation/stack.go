package cloudformation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// stackType is the type of stacks as resources, of their own events and of
// nested stacks in their parents.
const stackType = "AWS::CloudFormation::Stack"

// stack is the state of a stack. All exported fields are in
// the snapshot.
type stack struct {
	Scope       Scope
	Name, ID    string
	Status      string
	Reason      string
	Created     time.Time
	Updated     time.Time
	Deleted     time.Time
	Description string

	Version   version
	Outputs   []output
	Imports   []string // names of the exports it uses
	Resources map[string]*resource
	// Retired are physical resources that were replaced and wait for the
	// cleanup, or for a rollback that restores them.
	Retired []*resource
	// Stable is the version that a failed update is rolled back to; nil if there is nothing
	// to roll back to.
	Stable *checkpoint

	Events     []event // oldest first
	ChangeSets []*changeSet
	Operation  *operation // nil if none is running
	History    []pastOperation
	Tokens     map[string]string // client request token → the operation it started

	ChangeSetID     string // the one that was executed last
	DisableRollback bool
	Protected       bool
	RetainOnCreate  bool // RetainExceptOnCreate of the last operation
	DeletionMode    string

	Parent, Root    string // ARNs, of nested stacks
	ParentLogicalID string
}

// version is the template and parameters of a stack.
type version struct {
	Template      string // as it was given
	Processed     string // what its transforms led to; empty when it has none
	Caller        string // the ARN of who gave it
	Arguments     []template.Value
	Tags          []tag
	Capabilities  []string
	Notifications []string
	Rollback      rollbackConfiguration
	RoleARN       string
}

// actor returns whose permissions CloudFormation uses: the role's, or the caller's.
func (v version) actor() string {
	if v.RoleARN != "" {
		return v.RoleARN
	}
	return v.Caller
}

type tag struct{ Key, Value string }

type output struct{ Key, Value, Description, Export string }

// checkpoint is a version that was completely deployed.
type checkpoint struct {
	Status    string
	Version   version
	Outputs   []output
	Imports   []string
	Resources map[string]*resource
}

// resource is one resource of a stack: how it is, not how it should be.
type resource struct {
	LogicalID  string
	Type       string
	PhysicalID string
	Status     string
	Reason     string
	Changed    time.Time
	// Properties are evaluated, but for dynamic references: a change behind
	// one of them is no change of the resource.
	Properties          map[string]any
	Attributes          map[string]any
	Tags                []tag
	Metadata            any
	DeletionPolicy      string
	UpdateReplacePolicy string
	Needs               []string // logical ids that must outlive it
	// Imported reports whether the stack did not make the physical resource: a
	// rollback leaves it alone.
	Imported bool
}

type pastOperation struct{ ID, Kind string }

// inProgress reports whether an operation works on the stack, or waits for its
// parent to finish.
func inProgress(status string) bool {
	return strings.HasSuffix(status, "_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS"
}

// gone reports whether a resource has no physical resource any more.
func (r *resource) gone() bool {
	return r.Status == "DELETE_COMPLETE" || r.Status == "DELETE_SKIPPED"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (s *stack) live() bool { return s.Status != "DELETE_COMPLETE" }

func (s *stack) template() (*template.Template, error) { return template.Parse(s.Version.text()) }

// copies returns records that can change without the others noticing. Values
// inside are never changed in place.
func copies(records map[string]*resource) map[string]*resource {
	result := make(map[string]*resource, len(records))
	for id, r := range records {
		if r.gone() {
			continue
		}
		record := *r
		result[id] = &record
	}
	return result
}
