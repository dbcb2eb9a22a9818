package cfn

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Finding is what early validation or a hook has against a change set.
type Finding struct {
	Nested    []string `json:"nested,omitempty"`    // logical ids of the nested stacks around the resource, outermost first
	LogicalID string   `json:"logicalId,omitempty"` // empty for a finding about the whole stack
	Type      string   `json:"type,omitempty"`
	Path      string   `json:"path,omitempty"`     // construct path
	Source    string   `json:"source,omitempty"`   // "file:line" in the app
	Property  string   `json:"property,omitempty"` // such as "Environment.Variables"
	Reason    string   `json:"reason"`
	Hook      string   `json:"hook,omitempty"`    // its type; empty for early validation
	Rules     []string `json:"rules,omitempty"`   // what the hook has found, one a rule
	Warning   bool     `json:"warning,omitempty"` // it stops nothing
}

// Lines describes the finding: one line, and one more for each rule of a hook.
func (f Finding) Lines() []string {
	line := f.Reason
	if f.LogicalID != "" {
		line = describe(f.Nested, f.LogicalID, f.Type, f.Path, f.Source) + ": " + line
	}
	if f.Property != "" {
		line += " (property " + f.Property + ")"
	}
	if line = errs.OneLine(line); f.Hook != "" {
		line = strings.TrimSuffix(line, ".") + "; hook " + errs.OneLine(f.Hook)
	}
	lines := []string{line}
	for _, rule := range f.Rules {
		lines = append(lines, "  "+rule)
	}
	return lines
}

// Line describes the finding in one line.
func (f Finding) Line() string {
	lines := f.Lines()
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}

// describe names a resource: its logical id, and in parentheses its type, its
// construct path, and the line of the app that creates it.
func describe(nested []string, id, kind, path, source string) string {
	name := strings.Join(append(nested[:len(nested):len(nested)], id), "/")
	about := strings.TrimPrefix(kind+suffix(", ", path)+suffix(", ", source), ", ")
	if about == "" {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, about)
}

// finding returns what an event has against a change set; without a reason it is none.
func (g Goal) finding(nested []string, e types.OperationEvent) Finding {
	f := Finding{Nested: nested, LogicalID: aws.ToString(e.LogicalResourceId), Type: aws.ToString(e.ResourceType)}
	switch {
	case aws.ToString(e.HookType) != "" && !passed(e.HookStatus):
		f.Hook, f.Reason, f.Warning = *e.HookType, aws.ToString(e.HookStatusReason), e.HookFailureMode == types.HookFailureModeWarn
	case aws.ToString(e.ValidationStatusReason) != "" && e.ValidationStatus != types.ValidationStatusSkipped:
		f.Reason, f.Warning = *e.ValidationStatusReason, e.ValidationFailureMode == types.HookFailureModeWarn
		f.Property = propertyOf(aws.ToString(e.ValidationPath))
	}
	if f.Type == stackType && aws.ToString(e.PhysicalResourceId) == aws.ToString(e.StackId) {
		f.LogicalID = "" // the stack itself
	}
	if f.LogicalID != "" {
		f.Path = g.constructPath(nested, f.LogicalID)
		f.Source = g.source(f.Path)
	}
	return f
}

// passed reports whether a hook has nothing against its target, or not yet.
func passed(status types.HookStatus) bool {
	return status == types.HookStatusHookInProgress || status == types.HookStatusHookCompleteSucceeded
}

// propertyOf returns "Name" for "/Resources/Queue/Properties/Name".
func propertyOf(path string) string {
	_, property, _ := strings.Cut(path, "/Properties/")
	return strings.ReplaceAll(property, "/", ".")
}
