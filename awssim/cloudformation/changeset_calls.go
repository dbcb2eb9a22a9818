package cloudformation

import (
	"context"
	"errors"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

func (e *Engine) deleteChangeSet(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, cs, err := e.findChangeSet(c)
	var refused *wire.Error
	switch {
	case errors.As(err, &refused) && refused.Code == "ChangeSetNotFound":
		return node{}, nil // deleting a missing change set is no error
	case err != nil:
		return node{}, err
	case cs.pending(), cs.Execution == "EXECUTE_IN_PROGRESS":
		return node{}, refusal("InvalidChangeSetStatus",
			"An operation on this ChangeSet is currently in progress.  Please attempt this operation again later.")
	}
	e.drop(s, cs)
	return node{}, nil
}

func (e *Engine) executeChangeSet(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, cs, err := e.findChangeSet(c)
	if err != nil {
		return node{}, err
	}
	kind, status := updateStack, "UPDATE_IN_PROGRESS"
	if cs.Type == "CREATE" {
		kind, status = createStack, "CREATE_IN_PROGRESS"
	}
	if again, err := s.repeated(c, kind); again || err != nil {
		return node{}, err
	}
	op := &operation{Kind: kind, Phase: deploying, ChangeSet: cs.ID}
	if op.OnFailure, err = c.executionFailure(cs); err != nil {
		return node{}, err
	}
	if err := executable(s, cs, !op.rollsBack()); err != nil {
		return node{}, err
	}
	op.Imports = map[string][]string{}
	e.collectImports(s, cs, op.Imports)
	e.execute(s, cs)
	e.begin(s, c, op, status)
	return node{}, nil
}

// executionFailure returns the OnStackFailure of the change set, or of the call.
func (c call) executionFailure(cs *changeSet) (string, error) {
	if cs.OnFailure == "" {
		return c.onFailure("OnStackFailure")
	}
	if c.form.has("DisableRollback") {
		return "", invalidf("DisableRollback cannot be specified for a change set that has OnStackFailure")
	}
	return cs.OnFailure, nil
}

// executable refuses change sets that are not ready or are obsolete.
func executable(s *stack, cs *changeSet, disableRollback bool) error {
	switch {
	case cs.Status != "CREATE_COMPLETE":
		return refusal("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current status of [%s]", cs.ID, cs.Status)
	case cs.Execution != "AVAILABLE":
		return refusal("InvalidChangeSetStatus",
			"ChangeSet [%s] cannot be executed in its current execution status of [%s]", cs.ID, cs.Execution)
	case cs.Parent != "":
		return invalidf("ChangeSet [%s] belongs to a nested stack: execute its root change set [%s]", cs.ID, cs.Root)
	case cs.Type == "CREATE" && s.Status == "REVIEW_IN_PROGRESS":
		return nil
	case cs.Type == "CREATE":
		return s.notUpdatable()
	}
	return s.checkUpdatable(disableRollback, "execute-change-set")
}

// execute gives a stack the version of a change set. All other change sets of
// the stack are deleted. The caller holds the lock.
func (e *Engine) execute(s *stack, cs *changeSet) {
	for _, other := range append([]*changeSet{}, s.ChangeSets...) {
		if other != cs {
			e.drop(s, other)
		}
	}
	for _, id := range cs.Children {
		if child, nested := e.changeSetByID(id); nested != nil {
			e.drop(child, nested)
		}
	}
	cs.Execution, cs.Children = "EXECUTE_IN_PROGRESS", nil
	s.ChangeSetID = cs.ID
	if cs.Type == "CREATE" {
		s.Version = cs.Version
		return
	}
	e.beginUpdate(s, cs.Version)
}

func (e *Engine) listChangeSets(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.need(c, absentStack)
	if err != nil {
		return node{}, err
	}
	from, to, next, err := e.page(len(s.ChangeSets), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("Summaries", s.ChangeSets[from:to], func(cs *changeSet) node {
		return fields(append(cs.identity(s), optional("StatusReason", cs.Reason))...)
	}), optional("NextToken", next)), nil
}

// identity are the members that all answers about a change set share.
func (cs *changeSet) identity(s *stack) []field {
	return []field{
		text("StackId", s.ID), text("StackName", s.Name), text("ChangeSetId", cs.ID), text("ChangeSetName", cs.Name),
		text("ExecutionStatus", cs.Execution), text("Status", cs.Status), moment("CreationTime", cs.Created),
		optional("Description", cs.Description), boolean("IncludeNestedStacks", cs.Nested), boolean("ImportExistingResources", cs.Importing),
		optional("ParentChangeSetId", cs.Parent), optional("RootChangeSetId", cs.Root),
	}
}
