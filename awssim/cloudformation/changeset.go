package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
)

// changeSet is a possible version of a stack, with its changes.
type changeSet struct {
	ID, Name    string
	Description string
	Type        string // CREATE or UPDATE
	Status      string
	Execution   string
	Reason      string
	Created     time.Time
	Ended       time.Time // when its making ended
	Token       string
	Caller      string
	Version     version
	Changes     []change
	Nested      bool // IncludeNestedStacks
	Importing   bool // ImportExistingResources
	OnFailure   string
	Unchecked   bool   // DisableValidation
	Refused     string // why a transform refused the template
	OperationID string // of its making
	Invalid     []validation
	Parent      string // ARNs of change sets
	Root        string
	Children    []string
}

const (
	noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."
	noUpdates = "No updates are to be performed."
)

// pending reports whether the change set is still being created.
func (cs *changeSet) pending() bool {
	return strings.HasPrefix(cs.Status, "CREATE_") && cs.Status != "CREATE_COMPLETE"
}

// review creates a change set: its changes are computed later. The caller
// holds the lock.
func (e *Engine) review(s *stack, cs *changeSet) {
	cs.Status, cs.Execution = "CREATE_PENDING", "UNAVAILABLE"
	s.ChangeSets = append(s.ChangeSets, cs)
	e.resumeReview(s, cs)
}

// resumeReview starts the goroutine that computes the changes of a change set.
// The caller holds the lock.
func (e *Engine) resumeReview(s *stack, cs *changeSet) {
	e.spawn(func() { e.compute(e.ctx, s, cs) })
}

// compute computes the changes of a change set.
func (e *Engine) compute(ctx context.Context, s *stack, cs *changeSet) {
	_ = e.sleep(ctx, e.options.Tick)
	e.mu.Lock()
	cs.Status = "CREATE_IN_PROGRESS"
	e.mu.Unlock()
	_ = e.sleep(ctx, e.options.Tick)
	found, err := e.changes(ctx, s, cs)
	if e.closed() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.broadcast()
	cs.Ended = e.host.Now().UTC()
	switch {
	case !slices.Contains(s.ChangeSets, cs): // deleted meanwhile
	case err != nil:
		cs.Status, cs.Reason = "FAILED", err.Error()
	case found.Identical:
		cs.Status, cs.Reason = "FAILED", noChanges
	case found.Nothing:
		cs.Status, cs.Reason = "FAILED", noUpdates
	case found.refusal() != "":
		cs.Status, cs.Reason = "FAILED", found.refusal()
	default:
		e.complete(s, cs, found)
	}
}

// changes returns the changes of a change set, unless a transform refused its
// template.
func (e *Engine) changes(ctx context.Context, s *stack, cs *changeSet) (*plan, error) {
	if cs.Refused != "" {
		return nil, errors.New(cs.Refused)
	}
	return e.planChanges(ctx, s, cs.Version, cs)
}

// complete stores the changes of a change set, unless early validation refuses it,
// and makes the nested ones, of which none may fail. The caller holds the lock.
func (e *Engine) complete(s *stack, cs *changeSet, found *plan) {
	if !cs.Unchecked {
		cs.Invalid = found.Invalid
	}
	for i := range cs.Invalid {
		cs.Invalid[i].StackID = s.ID // of a nested stack that is new, it was not known
	}
	if refused(cs.Invalid) {
		cs.Status, cs.Execution, cs.Reason = "FAILED", "UNAVAILABLE", earlyReason(cs.Invalid)
		return
	}
	if reason := e.reviewHooks(s, cs, found.Changes); reason != "" {
		cs.Status, cs.Execution, cs.Reason = "FAILED", "UNAVAILABLE", reason
		return
	}
	cs.Status, cs.Execution, cs.Changes = "CREATE_COMPLETE", "AVAILABLE", found.Changes
	if !cs.Nested {
		return
	}
	for _, child := range found.Children {
		id := e.nestedChangeSet(s, cs, child)
		if _, made := e.changeSetByID(id); made.Status == "FAILED" {
			cs.Status, cs.Execution = "FAILED", "UNAVAILABLE"
			cs.Reason = fmt.Sprintf("Nested change set %s was not successfully created: Currently in FAILED.", id)
		}
		for i := range cs.Changes {
			if cs.Changes[i].LogicalID == child.logicalID {
				cs.Changes[i].ChangeSetID = id
			}
		}
	}
}

// nestedChangeSet makes the change set of a nested stack, and the stack where
// there is none. The caller holds the lock.
func (e *Engine) nestedChangeSet(s *stack, parent *changeSet, planned *childPlan) string {
	child := planned.stack
	typ := "UPDATE"
	if child == nil {
		typ = "CREATE"
		if child = e.reviewed(s, planned.logicalID); child == nil {
			child = e.newChild(s, planned.logicalID)
			e.become(child, "REVIEW_IN_PROGRESS", "")
		}
	}
	cs := &changeSet{
		Name: kinds.Invent(parent.Name, planned.logicalID, e.newID(), ""), Type: typ, Created: e.host.Now().UTC(),
		Ended: parent.Ended, Caller: parent.Caller, Version: planned.version, Nested: true, Importing: parent.Importing, Unchecked: parent.Unchecked,
		Parent: parent.ID, Root: parent.Root,
	}
	if cs.Root == "" {
		cs.Root = parent.ID
	}
	cs.ID = arnOf(child.Scope, "changeSet", cs.Name, e.newID())
	child.ChangeSets = append(child.ChangeSets, cs)
	parent.Children = append(parent.Children, cs.ID)
	e.complete(child, cs, planned.plan)
	return cs.ID
}

// settleChangeSet records in a change set how its execution ended, and forgets the
// nested ones. The caller holds the lock.
func (e *Engine) settleChangeSet(s *stack) {
	if s.Operation.ChangeSet == "" {
		return
	}
	_, cs := e.changeSetByID(s.Operation.ChangeSet)
	if cs == nil || cs.Execution != "EXECUTE_IN_PROGRESS" {
		return
	}
	cs.Execution = "EXECUTE_FAILED"
	if strings.HasPrefix(s.Status, "CREATE_COMPLETE") || strings.HasPrefix(s.Status, "UPDATE_COMPLETE") {
		cs.Execution = "EXECUTE_COMPLETE"
	}
}

// changeSetByID finds a change set by its ARN. The caller holds the lock.
func (e *Engine) changeSetByID(id string) (*stack, *changeSet) {
	for _, s := range e.state.Stacks {
		for _, cs := range s.ChangeSets {
			if cs.ID == id {
				return s, cs
			}
		}
	}
	return nil, nil
}

// drop deletes a change set with those of nested stacks, and nested stacks
// that exist for its sake only. The caller holds the lock.
func (e *Engine) drop(s *stack, cs *changeSet) {
	s.ChangeSets = slices.DeleteFunc(s.ChangeSets, func(other *changeSet) bool { return other == cs })
	for _, id := range cs.Children {
		child, nested := e.changeSetByID(id)
		if nested == nil {
			continue
		}
		e.drop(child, nested)
		if child.Status == "REVIEW_IN_PROGRESS" {
			e.buryQuietly(child)
		}
	}
}

// findChangeSet finds the change set a call names, by ARN or with its stack.
// The caller holds the lock.
func (e *Engine) findChangeSet(c call) (*stack, *changeSet, error) {
	name, err := c.form.require("ChangeSetName")
	if err != nil {
		return nil, nil, err
	}
	absent := refusal("ChangeSetNotFound", "ChangeSet [%s] does not exist", name).WithStatus(404)
	if strings.HasPrefix(name, "arn:") {
		if s, cs := e.changeSetByID(name); cs != nil && s.Scope == c.Scope {
			return s, cs, nil
		}
		return nil, nil, absent
	}
	stackName := c.form.text("StackName")
	if stackName == "" {
		return nil, nil, invalidf("StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	s := e.find(c.Scope, stackName)
	if s == nil {
		return nil, nil, invalidf("Stack [%s] does not exist", stackName)
	}
	for _, cs := range s.ChangeSets {
		if cs.Name == name {
			return s, cs, nil
		}
	}
	return s, nil, absent
}
