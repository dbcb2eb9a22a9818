package cfn

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Failure is why a stack's operation failed. The error of Deploy wraps it.
type Failure struct {
	Stack  string
	Status string          // in which the operation ended
	Cause  *ResourceEvent  // the first resource that failed; nil if none did
	Hooks  []ResourceEvent // failed hooks that stopped that resource
	Others []ResourceEvent // further resources that failed, oldest first
	Around []ResourceEvent // events around the cause, including it, oldest first
	Behind []Detail        // what is behind the cause; the caller of Deploy may add to it
	Reason string          // one sentence
}

// Detail is something behind the cause of a failure: the findings of a hook, the log of a
// function.
type Detail struct {
	Source string   `json:"source"` // such as "log of function Migrate"
	Lines  []string `json:"lines"`
}

// Error returns the reason.
func (f *Failure) Error() string { return f.Reason }

// failure returns the first cause among the events of an operation as an error.
func failure(goal Goal, status string, events []ResourceEvent) error {
	f := &Failure{Stack: goal.Name, Status: status}
	for _, event := range causes(events) {
		event.Began = began(event, events)
		if f.Cause == nil {
			f.Cause = &event
			continue
		}
		f.Others = append(f.Others, event)
	}
	if f.Cause == nil {
		reason := stackReason(events)
		if alarms := alarmsIn(reason); alarms != "" {
			reason = alarms + " went off: " + reason
		}
		f.Reason = fmt.Sprintf("stack %q failed (%s)%s", goal.Name, status, suffix(": ", reason))
		return (&errs.Error{Kind: errs.Failed, Message: f.Reason, Err: f}).WithHint("%s", hintFor(f.Reason))
	}
	f.Hooks = failedHooks(*f.Cause, events)
	f.Around = around(*f.Cause, events)
	f.Reason = fmt.Sprintf("stack %q failed (%s): %s", goal.Name, status, describeEvent(goal, *f.Cause, f.Hooks))
	return (&errs.Error{Kind: errs.Failed, Message: f.Reason, Err: f}).WithHint("%s", hintFor(f.Cause.Reason))
}

// began returns when the step began that an event ends: the time of the first event about the
// resource since the last one that ended a step.
func began(end ResourceEvent, events []ResourceEvent) time.Time {
	at := end.Time
	for _, e := range slices.Backward(events) {
		if e.StackID != end.StackID || e.LogicalID != end.LogicalID || e.Time.After(end.Time) || e.ID == end.ID {
			continue
		}
		if !strings.HasSuffix(e.Status, "_IN_PROGRESS") {
			break
		}
		at = e.Time
	}
	return at
}

// describeEvent describes the event of a resource in one sentence.
func describeEvent(goal Goal, event ResourceEvent, hooks []ResourceEvent) string {
	sentence := fmt.Sprintf("%s: %s", goal.resource(event.Nested, event.LogicalID, event.Type), errs.OneLine(event.Reason))
	for _, hook := range hooks {
		sentence += fmt.Sprintf("; hook %s: %s", hook.Hook, errs.OneLine(hook.HookReason))
	}
	return errs.OneLine(sentence)
}

// causes returns the failures of resources that do not follow from another
// failure: no cancellations, and no failures of stacks. A nested stack counts only
// if it failed without a failed resource.
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

// Number of events around the cause.
const (
	eventsBefore = 3
	eventsAfter  = 4
)

// around returns the events next to the cause, without those of nested stacks
// about themselves, which the parent stack repeats.
func around(cause ResourceEvent, all []ResourceEvent) []ResourceEvent {
	events := slices.DeleteFunc(slices.Clone(all), func(e ResourceEvent) bool { return e.isStack() && len(e.Nested) > 0 })
	at := slices.IndexFunc(events, func(e ResourceEvent) bool { return e.ID == cause.ID })
	return events[max(at-eventsBefore, 0):min(at+eventsAfter+1, len(events))]
}

// failedHooks returns the events of the hooks that refused the resource; they precede its failure.
func failedHooks(cause ResourceEvent, events []ResourceEvent) (hooks []ResourceEvent) {
	for _, event := range events {
		if event.failedHook() && event.StackID == cause.StackID && event.LogicalID == cause.LogicalID && strings.Contains(cause.Reason, event.Hook) {
			hooks = append(hooks, event)
		}
	}
	return hooks
}

// failedHook reports whether the event is a hook's refusal of a resource.
func (e ResourceEvent) failedHook() bool {
	return (e.HookStatus == "HOOK_COMPLETE_FAILED" || e.HookStatus == "HOOK_FAILED") && !e.HookWarns
}

// stackReason returns the reason in the stack's own first failure event.
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

// knownReasons are frequent reasons, with a hint for each.
var knownReasons = []struct {
	pattern *regexp.Regexp
	hint    string
}{
	{regexp.MustCompile(`(?i)the simulator('s transform)? does not`), "this is a limit of the simulator alone: deploy to AWS with generator run --aws=default-chain, or leave the stack out of local runs"},
	{regexp.MustCompile(`(?i)Cannot delete export|Export .* cannot be (deleted|updated)`), "another stack still imports this value: deploy that stack without the import first, then this one"},
	{regexp.MustCompile(`(?i)No export named`), "the stack that exports this value must be deployed first, in the same account and region; a nested stack needs addDependency on the one that exports it"},
	{regexp.MustCompile(`(?i)attempting to import.*DeletionPolicy`), "give the resource a deletion policy that retains it (RemovalPolicy.RETAIN): a stack adopts no other"},
	{regexp.MustCompile(`(?i)already exists`), "something of this name exists outside of the stack: remove it, import it, or let the CDK choose the name"},
	{regexp.MustCompile(`(?i)custom.named resource requires replacing`), "a resource with a fixed name cannot be replaced in place: change its name too, or let the CDK choose it"},
	{regexp.MustCompile(`(?i)S3 error.*not authorized to perform`), "the role that deploys the stack may not read the template: allow it s3:GetObject in the policy of that bucket, or use the bucket of the bootstrap"},
	{regexp.MustCompile(`(?i)not authorized to perform|AccessDenied|access denied|UnauthorizedOperation`), "the role that CloudFormation assumes lacks this permission: see --cloudformation-execution-policies of cdk bootstrap"},
	{regexp.MustCompile(`(?i)cannot be assumed by|role defined for the function`), "a new role takes time to propagate: run again; if the error persists, check the role's trust policy"},
	{regexp.MustCompile(`(?i)limit.?exceeded|quota|maximum number of|too many`), "a quota of the account is exceeded: raise it in Service Quotas, or remove unused resources"},
	{regexp.MustCompile(`(?i)rate exceeded|throttl`), "AWS throttled the requests: run again"},
	{regexp.MustCompile(`(?i)bucket.*not empty`), "the bucket still has objects: empty it, or set autoDeleteObjects"},
	{regexp.MustCompile(`(?i)ECS Deployment Circuit Breaker`), "the tasks of the service do not stay up: what stopped them is behind the cause, as long as ECS shows it"},
	{regexp.MustCompile(`(?i)did not stabilize|timed? ?out|exceeded attempts`), "the resource did not become ready in time: see its logs and events"},
	{alarmState, "an alarm of the stack (rollbackAlarms in the configuration) is in the state ALARM: find out why, and run again when it no longer is, as an alarm that was on before rolls a deployment back as well"},
	{alarmARN, "an alarm of the stack (rollbackAlarms in the configuration) cannot be watched: it must exist before the stack is deployed, in the account and region of the stack"},
	{regexp.MustCompile(`(?i)custom resource|CloudWatch Log Stream`), "fix the function of the custom resource: the last lines of its log are behind the cause, if the account lets them be read"},
	{regexp.MustCompile(`(?i)dependent object|has a dependent|is in use|still has`), "something outside of the stack still uses this resource"},
	{regexp.MustCompile(`(?i)GuardDuty|hook\(s\) failed`), "a hook of the account refused this resource: follow its findings, or ask the owner of the hook"},
	{regexp.MustCompile(`(?i)TemplateURL must|S3 error`), "CloudFormation could not read the template: check that it is published and that the role may read the bucket"},
}

// hintFor returns the hint for a reason, or "".
func hintFor(reason string) string {
	for _, k := range knownReasons {
		if k.pattern.MatchString(reason) {
			return k.hint
		}
	}
	return ""
}
