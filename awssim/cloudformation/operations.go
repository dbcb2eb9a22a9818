package cloudformation

import (
	"context"
)

// operations are the supported calls.
var operations = map[string]func(*Engine, context.Context, call) (node, error){
	"CancelUpdateStack":           (*Engine).cancelUpdateStack,
	"ContinueUpdateRollback":      (*Engine).continueUpdateRollback,
	"CreateChangeSet":             (*Engine).createChangeSet,
	"CreateStack":                 (*Engine).createStack,
	"DeleteChangeSet":             (*Engine).deleteChangeSet,
	"DeleteStack":                 (*Engine).deleteStack,
	"DescribeChangeSet":           (*Engine).describeChangeSet,
	"DescribeEvents":              (*Engine).describeEvents,
	"DescribeStackEvents":         (*Engine).describeStackEvents,
	"DescribeStackResource":       (*Engine).describeStackResource,
	"DescribeStackResources":      (*Engine).describeStackResources,
	"DescribeStacks":              (*Engine).describeStacks,
	"ExecuteChangeSet":            (*Engine).executeChangeSet,
	"GetHookResult":               (*Engine).getHookResult,
	"GetStackPolicy":              (*Engine).getStackPolicy,
	"GetTemplate":                 (*Engine).getTemplate,
	"GetTemplateSummary":          (*Engine).getTemplateSummary,
	"ListChangeSets":              (*Engine).listChangeSets,
	"ListExports":                 (*Engine).listExports,
	"ListHookResults":             (*Engine).listHookResults,
	"ListImports":                 (*Engine).listImports,
	"ListStackResources":          (*Engine).listStackResources,
	"ListStacks":                  (*Engine).listStacks,
	"RollbackStack":               (*Engine).rollbackStack,
	"UpdateStack":                 (*Engine).updateStack,
	"UpdateTerminationProtection": (*Engine).updateTerminationProtection,
	"ValidateTemplate":            (*Engine).validateTemplate,
}

// find finds a stack by its name, if it is not deleted, or by its ARN. The
// caller holds the lock.
func (e *Engine) find(scope Scope, nameOrARN string) *stack {
	if s := e.live[liveName{scope, nameOrARN}]; s != nil {
		return s
	}
	if s := e.state.Stacks[nameOrARN]; s != nil && s.Scope == scope {
		return s
	}
	return nil
}

// need finds the stack a call names. Absent is the message when there is none,
// with one verb for the name. The caller holds the lock.
func (e *Engine) need(c call, absent string) (*stack, error) {
	name, err := c.form.require("StackName")
	if err != nil {
		return nil, err
	}
	s := e.find(c.Scope, name)
	if s == nil {
		return nil, invalidf(absent, name)
	}
	return s, nil
}

// needLive is need for stacks that can still change.
func (e *Engine) needLive(c call) (*stack, error) {
	s, err := e.need(c, absentStack)
	if err == nil && !s.live() {
		return nil, invalidf(absentStack, c.form.text("StackName"))
	}
	return s, err
}

const (
	absentStack = "Stack [%s] does not exist"
	absentID    = "Stack with id %s does not exist"
)

// newStack makes a stack without a status. The caller holds the lock and has
// checked the name.
func (e *Engine) newStack(scope Scope, name string) *stack {
	s := &stack{
		Scope: scope, Name: name, ID: arnOf(scope, "stack", name, e.newID()), Created: e.host.Now().UTC(),
		Resources: map[string]*resource{}, Tokens: map[string]string{},
	}
	e.state.Stacks[s.ID] = s
	e.live[liveName{scope, name}] = s
	return s
}

// repeated reports whether a call was done already, by its token. A token that
// started something else is refused. The caller holds the lock.
func (s *stack) repeated(c call, kind string) (bool, error) {
	token := c.form.text("ClientRequestToken")
	before, used := s.Tokens[token]
	if token == "" || !used {
		return false, nil
	}
	if before != kind {
		return false, refusal("TokenAlreadyExistsException", "Token already exists: %s", token)
	}
	return true, nil
}

func stackID(s *stack) node { return fields(text("StackId", s.ID)) }
