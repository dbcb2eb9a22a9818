package cloudformation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hook is a hook that an account has activated: it refuses what matches, or warns of it.
type Hook struct {
	Account string // whose stacks it looks at; empty is all
	Name    string // its type, such as Acme::Guard::Encryption
	Type    string // of the resources that it refuses, the only ones it looks at one by one
	// WholeChangeSet lets it look at change sets before they can be executed, instead of at
	// each resource before it is provisioned.
	WholeChangeSet bool
	Warns          bool   // it stops nothing
	Reason         string // in short
	Rules          []HookRule
}

// HookRule is one rule of a hook, as Guard has them.
type HookRule struct {
	Name, Message, Remediation string
	Passed                     bool
}

// hookResult is one invocation of a hook.
type hookResult struct {
	ID       string
	Hook     Hook
	Scope    Scope
	Target   string // ARN of the change set, or the logical id of a resource
	Kind     string // CHANGE_SET or RESOURCE
	StackID  string
	Failed   bool
	Time     time.Time
	Resource string // its type
}

// ActivateHook lets a hook look at all operations that begin from now on. Hooks are not part
// of a snapshot.
func (e *Engine) ActivateHook(hook Hook) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hooks = append(e.hooks, hook)
}

func (h Hook) mode() string {
	if h.Warns {
		return "WARN"
	}
	return "FAIL"
}

func (h Hook) looksAt(s *stack, whole bool) bool {
	return h.WholeChangeSet == whole && matches(h.Account, s.Scope.Account)
}

// invoke records an invocation. The caller holds the lock.
func (e *Engine) invoke(h Hook, s *stack, kind, target string, failed bool) hookResult {
	result := hookResult{
		ID: e.newID(), Hook: h, Scope: s.Scope, Target: target, Kind: kind, StackID: s.ID, Failed: failed, Time: e.host.Now().UTC(), Resource: h.Type,
	}
	e.invocations = append(e.invocations, result)
	return result
}

// hookReason is why hooks refuse a change set or a resource.
func hookReason(names []string) string {
	return fmt.Sprintf("The following hook(s) failed: [%s]", strings.Join(names, ", "))
}

// reviewHooks lets the hooks look at a change set and returns why they refuse it; "" if they
// do not. The caller holds the lock.
func (e *Engine) reviewHooks(s *stack, cs *changeSet, changes []change) string {
	var refused []string
	for _, h := range e.hooks {
		if !h.looksAt(s, true) {
			continue
		}
		failed := slices.ContainsFunc(changes, func(c change) bool { return c.Action != "Remove" && matches(h.Type, c.Type) })
		e.invoke(h, s, "CHANGE_SET", cs.ID, failed)
		if failed && !h.Warns {
			refused = append(refused, h.Name)
		}
	}
	if refused == nil {
		return ""
	}
	return hookReason(refused)
}

// resourceHooks lets the hooks look at a resource that is about to be provisioned, and
// returns why they refuse it. The caller holds the lock.
func (e *Engine) resourceHooks(s *stack, r *resource) error {
	var refused []string
	for _, h := range e.hooks {
		if !h.looksAt(s, false) || !matches(h.Type, r.Type) {
			continue
		}
		result := e.invoke(h, s, "RESOURCE", r.LogicalID, true)
		event := event{
			LogicalID: r.LogicalID, PhysicalID: r.PhysicalID, Type: r.Type, Status: r.Status, Hook: h.Name, HookID: result.ID, HookMode: h.mode(),
			HookStatus: result.status(), HookReason: result.reason(),
		}
		event.ID = e.newID()
		e.record(s, event)
		if !h.Warns {
			refused = append(refused, h.Name)
		}
	}
	if refused == nil {
		return nil
	}
	return fmt.Errorf("%s", hookReason(refused))
}

func (r hookResult) status() string {
	if r.Failed {
		return "HOOK_COMPLETE_FAILED"
	}
	return "HOOK_COMPLETE_SUCCEEDED"
}

func (r hookResult) reason() string {
	if r.Failed {
		return r.Hook.Reason
	}
	return "Hook succeeded with message: nothing to say"
}

func (r hookResult) fields() []field {
	arn := arnOf(r.Scope, "type", "hook", strings.ReplaceAll(r.Hook.Name, "::", "-"))
	return []field{
		text("HookResultId", r.ID), text("TypeName", r.Hook.Name), text("TypeArn", arn), text("TypeVersionId", "00000001"), text("FailureMode", r.Hook.mode()),
		text("InvocationPoint", "PRE_PROVISION"), text("Status", r.status()), text("HookStatusReason", r.reason()), moment("InvokedAt", r.Time),
	}
}

// listHookResults lists the invocations for a change set (TargetType CHANGE_SET and its ARN
// as TargetId), newest first, or all of a type of hook.
func (e *Engine) listHookResults(_ context.Context, c call) (node, error) {
	kind, target, arn, status := c.form.text("TargetType"), c.form.text("TargetId"), c.form.text("TypeArn"), c.form.text("Status")
	if (kind == "") != (target == "") {
		return node{}, invalidf("TargetType and TargetId must be specified together")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if kind == "CHANGE_SET" {
		if _, cs := e.changeSetByID(target); cs == nil {
			return node{}, refusal("HookResultNotFound", "No Hook results were found for the target %s", target)
		}
	}
	var found []hookResult
	for _, r := range slices.Backward(e.invocations) {
		if r.Scope == c.Scope && matches(kind, r.Kind) && matches(target, r.Target) && matches(status, r.status()) &&
			(arn == "" || arn == arnOf(r.Scope, "type", "hook", strings.ReplaceAll(r.Hook.Name, "::", "-"))) {
			found = append(found, r)
		}
	}
	from, to, next, err := e.page(len(found), c.form.text("NextToken"))
	if err != nil {
		return node{}, err
	}
	return fields(
		optional("TargetType", kind), optional("TargetId", target),
		list("HookResults", found[from:to], func(r hookResult) node {
			return fields(append(r.fields(), text("TargetType", r.Kind), text("TargetId", r.Target))...)
		}), optional("NextToken", next),
	), nil
}

// getHookResult returns one invocation with the rules of the hook.
func (e *Engine) getHookResult(_ context.Context, c call) (node, error) {
	id, err := c.form.require("HookResultId")
	if err != nil {
		return node{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	at := slices.IndexFunc(e.invocations, func(r hookResult) bool { return r.ID == id && r.Scope == c.Scope })
	if at < 0 {
		return node{}, refusal("HookResultNotFound", "Hook result %s was not found", id)
	}
	r := e.invocations[at]
	rules := r.Hook.Rules
	if !r.Failed {
		rules = nil
	}
	return fields(append(r.fields(), list("Annotations", rules, func(rule HookRule) node {
		status := "FAILED"
		if rule.Passed {
			status = "PASSED"
		}
		return fields(text("AnnotationName", rule.Name), text("Status", status), optional("StatusMessage", rule.Message),
			optional("RemediationMessage", rule.Remediation), text("SeverityLevel", "HIGH"))
	}))...), nil
}
