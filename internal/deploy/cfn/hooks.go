package cfn

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	// maxHooks limits the hooks whose findings are read.
	maxHooks = 10
	// maxRules limits the findings of one hook.
	maxRules = 20
)

// hookFindings returns what hooks have against a change set as a whole, with each rule.
func (d *deployment) hookFindings(ctx context.Context, failed failedChangeSet) (found []Finding, err error) {
	page, err := call(ctx, d.counted, d.api.ListHookResults, &cloudformation.ListHookResultsInput{
		TargetType: types.ListHookResultsTargetTypeChangeSet, TargetId: &failed.id,
	})
	if err != nil {
		return nil, err
	}
	for _, result := range page.HookResults[:min(len(page.HookResults), maxHooks)] {
		if passed(result.Status) {
			continue
		}
		found = append(found, Finding{
			Nested: failed.nested, Hook: aws.ToString(result.TypeName), Warning: result.FailureMode == types.HookFailureModeWarn,
			Reason: orElse(aws.ToString(result.HookStatusReason), "the change set does not comply"),
			Rules:  d.rules(ctx, aws.ToString(result.HookResultId)),
		})
	}
	return found, nil
}

// rules returns what one invocation of a hook has found, one line a rule, or why that is unknown.
func (d *deployment) rules(ctx context.Context, invocation string) []string {
	if invocation == "" {
		return nil
	}
	result, err := call(ctx, d.counted, d.api.GetHookResult, &cloudformation.GetHookResultInput{HookResultId: &invocation})
	switch {
	case isDenied(err):
		return []string{"which of its rules failed is not shown: the role that deploys lacks cloudformation:GetHookResult"}
	case err != nil:
		return nil
	}
	var lines []string
	for _, a := range result.Annotations {
		if a.Status != types.AnnotationStatusFailed || len(lines) == maxRules {
			continue
		}
		line := fmt.Sprintf("%s: %s", orElse(aws.ToString(a.AnnotationName), "rule"), orElse(errs.OneLine(aws.ToString(a.StatusMessage)), "failed"))
		lines = append(lines, line+suffix("; to fix it: ", errs.OneLine(aws.ToString(a.RemediationMessage))))
	}
	return lines
}

func isDenied(err error) bool {
	return slices.Contains([]string{"AccessDenied", "AccessDeniedException"}, errs.Code(err))
}

// behindHooks adds the findings of the hooks that refused the resource of the cause.
func (d *deployment) behindHooks(ctx context.Context, f *Failure) {
	for _, hook := range f.Hooks[:min(len(f.Hooks), maxHooks)] {
		if lines := d.rules(ctx, hook.HookID); len(lines) > 0 {
			f.Behind = append(f.Behind, Detail{Source: "findings of hook " + hook.Hook, Lines: lines})
		}
	}
}
