package cfn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Failure says why a stack's operation failed. It is the cause of the error
// that Deploy returns.
type Failure struct {
	Stack  string
	Status string          // in which the operation ended
	Cause  *ResourceEvent  // the first resource that failed; nil if none did
	Hooks  []ResourceEvent // failed hooks that stopped that resource
	Others []ResourceEvent // further resources that failed, oldest first
	Around []ResourceEvent // what happened shortly before and after the cause, with it, oldest first
	Reason string          // one sentence
}

// Error gives the sentence.
func (f *Failure) Error() string { return f.Reason }

// failure finds the first cause among the events of an operation and tells it
// as an error for a person.
func failure(goal Goal, status string, events []ResourceEvent) error {
	f := &Failure{Stack: goal.Name, Status: status}
	for _, event := range causes(events) {
		if f.Cause == nil {
			f.Cause = &event
			continue
		}
		f.Others = append(f.Others, event)
	}
	if f.Cause == nil {
		f.Reason = fmt.Sprintf("stack %q failed (%s)%s", goal.Name, status, suffix(": ", stackReason(events)))
		return (&errs.Error{Kind: errs.Failed, Message: f.Reason, Err: f}).WithHint("%s", hintFor(f.Reason))
	}
	f.Hooks = failedHooks(*f.Cause, events)
	f.Around = around(*f.Cause, events)
	f.Reason = fmt.Sprintf("stack %q failed (%s): %s", goal.Name, status, tell(goal, *f.Cause, f.Hooks))
	return (&errs.Error{Kind: errs.Failed, Message: f.Reason, Err: f}).WithHint("%s", hintFor(f.Cause.Reason))
}

// tell gives what happened to a resource as one sentence.
func tell(goal Goal, event ResourceEvent, hooks []ResourceEvent) string {
	sentence := fmt.Sprintf("%s: %s", goal.resource(event.Nested, event.LogicalID, event.Type), errs.OneLine(event.Reason))
	for _, hook := range hooks {
		sentence += fmt.Sprintf("; hook %s: %s", hook.Hook, errs.OneLine(hook.HookReason))
	}
	return sentence
}

// causes are the failures of resources that are not the mere consequence of
// another failure: no cancellations, and no failures of stacks, whose
// resources tell it themselves. A nested stack that failed before it had a
// resource tells for itself.
func causes(events []ResourceEvent) []ResourceEvent {
	var resources, stacks []ResourceEvent
	for _, event := range events {
		switch {
		case !strings.HasSuffix(event.Status, "_FAILED") || strings.Contains(event.Reason, "cancelled"):
		case event.Type != stackType:
			resources = append(resources, event)
		case !event.isStack():
			stacks = append(stacks, event)
		}
	}
	if len(resources) > 0 {
		return resources
	}
	return stacks
}

// eventsBefore and eventsAfter the cause are enough to see what it met, and what came of it.
const (
	eventsBefore = 3
	eventsAfter  = 4
)

// around gives the events next to the cause. What a nested stack says of itself
// is left out: the stack around it says the same.
func around(cause ResourceEvent, all []ResourceEvent) []ResourceEvent {
	events := slices.DeleteFunc(slices.Clone(all), func(e ResourceEvent) bool { return e.isStack() && len(e.Nested) > 0 })
	at := slices.IndexFunc(events, func(e ResourceEvent) bool { return e.ID == cause.ID })
	return events[max(at-eventsBefore, 0):min(at+eventsAfter+1, len(events))]
}

// failedHooks are the hooks that refused the resource; they are told in events of their own, before its failure.
func failedHooks(cause ResourceEvent, events []ResourceEvent) (hooks []ResourceEvent) {
	for _, event := range events {
		failed := event.HookStatus == "HOOK_COMPLETE_FAILED" || event.HookStatus == "HOOK_FAILED"
		if failed && event.StackID == cause.StackID && event.LogicalID == cause.LogicalID && strings.Contains(cause.Reason, event.Hook) {
			hooks = append(hooks, event)
		}
	}
	return hooks
}

// stackReason is what the stack itself said first of its failure.
func stackReason(events []ResourceEvent) string {
	for _, event := range events {
		failing := strings.HasSuffix(event.Status, "_FAILED") || strings.HasSuffix(event.Status, "ROLLBACK_IN_PROGRESS")
		if event.isStack() && failing && event.Reason != "" {
			return errs.OneLine(event.Reason)
		}
	}
	return ""
}

func suffix(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

// known are reasons that people meet often, and what to do about them.
var known = []struct {
	pattern *regexp.Regexp
	hint    string
}{
	{regexp.MustCompile(`(?i)Cannot delete export|Export .* cannot be (deleted|updated)`), "another stack still imports this value: deploy that stack without the import first, then this one"},
	{regexp.MustCompile(`(?i)No export named`), "the stack that exports this value must be deployed first, in the same account and region"},
	{regexp.MustCompile(`(?i)already exists`), "something of this name exists outside of the stack: remove it, import it, or let the CDK choose the name"},
	{regexp.MustCompile(`(?i)custom.named resource requires replacing`), "a resource with a fixed name cannot be replaced in place: change its name too, or let the CDK choose it"},
	{regexp.MustCompile(`(?i)S3 error.*not authorized to perform`), "the role that deploys the stack may not read the template: let the policy of that bucket allow it s3:GetObject, or keep to the bucket of the bootstrap"},
	{regexp.MustCompile(`(?i)not authorized to perform|AccessDenied|access denied|UnauthorizedOperation`), "the role that CloudFormation takes on lacks this right: see --cloudformation-execution-policies of cdk bootstrap"},
	{regexp.MustCompile(`(?i)cannot be assumed by|role defined for the function`), "a new role is not known everywhere at once: run again; if it stays, look at the role's trust policy"},
	{regexp.MustCompile(`(?i)limit.?exceeded|quota|maximum number of|too many`), "a quota of the account is used up: raise it in Service Quotas, or remove what is not needed"},
	{regexp.MustCompile(`(?i)rate exceeded|throttl`), "AWS throttled the requests: run again"},
	{regexp.MustCompile(`(?i)bucket.*not empty`), "the bucket still has objects: empty it, or set autoDeleteObjects"},
	{regexp.MustCompile(`(?i)did not stabilize|timed? ?out|exceeded attempts`), "the resource did not become ready in time: its own logs and events say why"},
	{regexp.MustCompile(`(?i)custom resource|CloudWatch Log Stream`), "the log of the custom resource's function says more"},
	{regexp.MustCompile(`(?i)dependent object|has a dependent|is in use|still has`), "something outside of the stack still uses this resource"},
	{regexp.MustCompile(`(?i)GuardDuty|hook\(s\) failed`), "a hook of the account refused this resource: its owner knows the rule"},
	{regexp.MustCompile(`(?i)TemplateURL must|S3 error`), "CloudFormation could not read the template: was it published, and may its role read the bucket?"},
}

// hintFor says what to do about a reason, or "" if it is not a known one.
func hintFor(reason string) string {
	for _, k := range known {
		if k.pattern.MatchString(reason) {
			return k.hint
		}
	}
	return ""
}
