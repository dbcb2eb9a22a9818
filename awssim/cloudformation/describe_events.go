package cloudformation

import (
	"context"
	"slices"
	"strings"
)

// describeStackEvents returns a stack's events, newest first. The token of a
// page counts from the oldest, so that new events do not shift the pages.
func (e *Engine) describeStackEvents(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.need(c, absentStack)
	if err != nil {
		return node{}, err
	}
	events, next, err := e.newestEvents(s.Events, c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("StackEvents", events, s.event), optional("NextToken", next)), nil
}

func (e *Engine) newestEvents(events []event, token string) ([]event, string, error) {
	end := len(events)
	if token != "" {
		position, err := readToken(token)
		if err != nil || position > end {
			return nil, "", invalidf("The specified NextToken is invalid.")
		}
		end = position
	}
	start := max(0, end-e.options.PageSize)
	page := slices.Clone(events[start:end])
	slices.Reverse(page)
	if start == 0 {
		return page, "", nil
	}
	return page, makeToken(start), nil
}

func (s *stack) event(ev event) node {
	return fields(
		text("StackId", s.ID), text("EventId", ev.ID), text("StackName", s.Name), optional("OperationId", ev.Operation),
		text("LogicalResourceId", ev.LogicalID), text("PhysicalResourceId", ev.PhysicalID), text("ResourceType", ev.Type),
		moment("Timestamp", ev.Time), text("ResourceStatus", ev.Status), optional("ResourceStatusReason", ev.Reason),
		optional("ResourceProperties", ev.Properties), optional("ClientRequestToken", ev.Token),
		optional("HookType", ev.Hook), optional("HookInvocationId", ev.HookID), optional("HookStatus", ev.HookStatus),
		optional("HookStatusReason", ev.HookReason), optional("HookFailureMode", ev.HookMode), ev.hookPoint(),
	)
}

// hookPoint is when a hook looked at what the event is about.
func (ev event) hookPoint() field {
	if ev.Hook == "" {
		return field{}
	}
	return text("HookInvocationPoint", "PRE_PROVISION")
}

// describeEvents is the newer form of describeStackEvents: of a stack or of one
// of its operations, and failures alone if wanted (Filters.FailedEvents).
//
// Of a change set (ChangeSetName, an ARN or with StackName) it returns when
// its making began and how it ended, as events with an OperationStatus, and what
// early validation found. Each finding is an OperationEvent with EventType
// VALIDATION_ERROR, OperationType CREATE_CHANGESET, LogicalResourceId,
// ResourceType, and PhysicalResourceId where a name is taken, and with
// ValidationName (PROPERTY_VALIDATION, NAME_CONFLICT_VALIDATION, and those of warnings),
// ValidationFailureMode FAIL or WARN, ValidationStatus FAILED, ValidationStatusReason,
// and ValidationPath, such as /Resources/Topic/Properties.
func (e *Engine) describeEvents(_ context.Context, c call) (node, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.form.has("ChangeSetName") {
		return e.describeMaking(c)
	}
	if c.form.text("StackName") == "" {
		return e.describeOperation(c)
	}
	s, err := e.need(c, absentStack)
	if err != nil {
		return node{}, err
	}
	return e.operationEvents(c, s)
}

// describeOperation finds the operation in whichever stack it is of. The
// caller holds the lock.
func (e *Engine) describeOperation(c call) (node, error) {
	id := c.form.text("OperationId")
	for _, s := range e.stacksOf(c.Scope, func(*stack) bool { return true }) {
		if s.kindOf(id) != "" {
			return e.operationEvents(c, s)
		}
		for _, cs := range s.ChangeSets {
			if id != "" && cs.OperationID == id {
				return e.changeSetEvents(c, s, cs)
			}
		}
	}
	return node{}, invalidf("One of ChangeSetName, OperationId or StackName must be specified")
}

// describeMaking returns how the creation of a change set went. The caller holds
// the lock.
func (e *Engine) describeMaking(c call) (node, error) {
	s, cs, err := e.findChangeSet(c)
	if err != nil {
		return node{}, err
	}
	return e.changeSetEvents(c, s, cs)
}

// changeSetEvents are the beginning and the end of the operation that makes a
// change set, and what early validation has against it, newest first. The
// caller holds the lock.
func (e *Engine) changeSetEvents(c call, s *stack, cs *changeSet) (node, error) {
	var nodes []node
	progress := !c.form.flag("Filters.FailedEvents") && cs.OperationID != ""
	if progress && !cs.pending() {
		nodes = append(nodes, cs.operationNode(s, "-end"))
	}
	for _, v := range cs.Invalid {
		nodes = append(nodes, v.node(cs))
	}
	if progress {
		nodes = append(nodes, cs.operationNode(s, "-begin"))
	}
	from, to, next, err := e.page(len(nodes), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("OperationEvents", nodes[from:to], func(n node) node { return n }), optional("NextToken", next)), nil
}

// operationNode is the event of an operation that makes a change set.
func (cs *changeSet) operationNode(s *stack, which string) node {
	status, end := "IN_PROGRESS", field{}
	at := cs.Created
	if which == "-end" {
		at, status = cs.Ended, "SUCCEEDED"
		end = moment("EndTime", at)
		if cs.Status == "FAILED" {
			status = "FAILED"
		}
	}
	return fields(
		text("EventId", cs.OperationID+which), text("StackId", s.ID), text("OperationId", cs.OperationID), text("OperationType", "CREATE_CHANGESET"),
		text("OperationStatus", status), text("EventType", "STACK_EVENT"), moment("Timestamp", at), moment("StartTime", cs.Created), end,
	)
}

func (e *Engine) operationEvents(c call, s *stack) (node, error) {
	operation, failed := c.form.text("OperationId"), c.form.flag("Filters.FailedEvents")
	chosen := slices.DeleteFunc(slices.Clone(s.Events), func(ev event) bool {
		return operation != "" && ev.Operation != operation || failed && !strings.HasSuffix(ev.Status, "_FAILED") && ev.HookStatus != "HOOK_COMPLETE_FAILED"
	})
	events, next, err := e.newestEvents(chosen, c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(list("OperationEvents", events, s.operationEvent), optional("NextToken", next)), nil
}

func (s *stack) operationEvent(ev event) node {
	kind := "STACK_EVENT"
	switch {
	case ev.Hook != "":
		kind = "HOOK_INVOCATION_ERROR"
	case ev.Type != stackType && strings.HasSuffix(ev.Status, "_FAILED"):
		kind = "PROVISIONING_ERROR"
	}
	return fields(
		text("EventId", ev.ID), text("StackId", s.ID), optional("OperationId", ev.Operation),
		optional("OperationType", s.kindOf(ev.Operation)), text("EventType", kind),
		text("LogicalResourceId", ev.LogicalID), text("PhysicalResourceId", ev.PhysicalID), text("ResourceType", ev.Type),
		moment("Timestamp", ev.Time), text("ResourceStatus", ev.Status), optional("ResourceStatusReason", ev.Reason),
		optional("ResourceProperties", ev.Properties), optional("ClientRequestToken", ev.Token),
		optional("HookType", ev.Hook), optional("HookStatus", ev.HookStatus), optional("HookStatusReason", ev.HookReason),
		optional("HookFailureMode", ev.HookMode), ev.hookPoint(),
	)
}

func (s *stack) kindOf(operation string) string {
	for _, past := range s.History {
		if past.ID == operation {
			return past.Kind
		}
	}
	return ""
}
