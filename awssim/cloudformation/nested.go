package cloudformation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/kinds"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// deployNested starts the creation or the update of a nested stack. The caller
// then waits for it with awaitNested.
func (e *Engine) deployNested(ctx context.Context, s *stack, st step, r ResourceRequest) (Resource, error) {
	v, err := e.nestedVersion(ctx, s, st.wanted, r)
	if err != nil {
		return Resource{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	op := &operation{
		Token: s.Operation.Token, Phase: deploying, Nested: true, OnFailure: s.Operation.OnFailure, Imports: s.Operation.Imports,
	}
	if r.PhysicalID == "" {
		op.Kind = createStack
		child := e.nestedStack(s, r)
		child.Version, child.RetainOnCreate = v, s.RetainOnCreate
		e.launch(child, op, "CREATE_IN_PROGRESS", "")
		return Resource{PhysicalID: child.ID}, nil
	}
	child := e.state.Stacks[r.PhysicalID]
	if child == nil || child.Operation != nil {
		return Resource{}, fmt.Errorf("Embedded stack %s is not in a state to be updated", r.PhysicalID)
	}
	op.Kind = updateStack
	e.beginUpdate(child, v)
	e.launch(child, op, "UPDATE_IN_PROGRESS", "")
	return Resource{PhysicalID: child.ID}, nil
}

// nestedStack finds the stack that a change set made for the resource, or
// makes one. The caller holds the lock.
func (e *Engine) nestedStack(s *stack, r ResourceRequest) *stack {
	if child := e.reviewed(s, r.LogicalID); child != nil {
		return child
	}
	return e.newChild(s, r.LogicalID)
}

// newChild makes a nested stack. The caller holds the lock.
func (e *Engine) newChild(s *stack, logicalID string) *stack {
	child := e.newStack(s.Scope, kinds.Invent(s.Name, logicalID, e.newID(), stackType))
	child.Parent, child.Root, child.ParentLogicalID = s.ID, s.Root, logicalID
	if child.Root == "" {
		child.Root = s.ID
	}
	return child
}

// reviewed is the nested stack of a change set that waits to be executed.
func (e *Engine) reviewed(s *stack, logicalID string) *stack {
	for _, child := range e.state.Stacks {
		if child.Parent == s.ID && child.ParentLogicalID == logicalID && child.Status == "REVIEW_IN_PROGRESS" {
			return child
		}
	}
	return nil
}

// nestedVersion is what the resource says the nested stack shall be. Tags and
// capabilities are the parent's too.
func (e *Engine) nestedVersion(ctx context.Context, s *stack, wanted resource, r ResourceRequest) (version, error) {
	url, _ := wanted.Properties["TemplateURL"].(string)
	if url == "" {
		return version{}, errors.New("Template URL must be specified.")
	}
	body, err := e.fetch(ctx, s.Scope, s.Version.actor(), url)
	if err != nil {
		return version{}, err
	}
	return childVersion(s, r.Properties, body, e.store(s.Scope), e.include(ctx, s.Scope, s.Version))
}

// childVersion reads the properties of a nested stack's resource.
func childVersion(s *stack, properties map[string]any, body string, store template.Store, read template.Include) (version, error) {
	v := version{
		Template: body, Caller: s.Version.Caller, Capabilities: s.Version.Capabilities, RoleARN: s.Version.RoleARN,
		Tags: mergeTags(s.Version.Tags, properties["Tags"]), Notifications: texts(properties["NotificationARNs"]),
	}
	parsed, err := v.settle(s.Scope, s.Name, nestedArguments(properties["Parameters"]), store, read)
	if err != nil {
		return v, err
	}
	if lacking := parsed.Lacking(v.Capabilities); len(lacking) > 0 {
		return v, fmt.Errorf("Requires capabilities : %v", lacking)
	}
	return v, checkVocabulary(parsed)
}

func nestedArguments(value any) []template.Argument {
	parameters, _ := value.(map[string]any)
	var arguments []template.Argument
	for _, key := range sortedKeys(parameters) {
		text, ok := template.Text(parameters[key])
		if !ok {
			text = strings.Join(texts(parameters[key]), ",")
		}
		arguments = append(arguments, template.Argument{Key: key, Value: text})
	}
	return arguments
}

// texts reads a list of scalars.
func texts(value any) []string {
	list, _ := value.([]any)
	var result []string
	for _, item := range list {
		if text, ok := template.Text(item); ok {
			result = append(result, text)
		}
	}
	return result
}

// mergeTags adds the tags of a resource, [{Key, Value}], to those of its stack.
func mergeTags(tags []tag, value any) []tag {
	result := append([]tag{}, tags...)
	list, _ := value.([]any)
	for _, item := range list {
		fields, _ := item.(map[string]any)
		key, _ := template.Text(fields["Key"])
		text, _ := template.Text(fields["Value"])
		result = append(result, tag{Key: key, Value: text})
	}
	return result
}
