package cfn

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// hasFindings matches the reason of a change set that early validation or a hook refused.
var hasFindings = regexp.MustCompile(`DescribeEvents|EarlyValidation|hook\(s\)|Hook`)

// advice matches the part of a reason that refers to an API.
var advice = regexp.MustCompile(`\s*[^.\]]*DescribeEvents[^.]*\.?`)

// maxFindings limits the number of findings in an error.
const maxFindings = 50

// refusal returns why a change set could not be created, with the findings of
// early validation and hooks by resource.
func (d *deployment) refusal(ctx context.Context, failed failedChangeSet) error {
	plain := orUnknown(strings.TrimSpace(advice.ReplaceAllString(failed.reason, "")))
	found, err := d.findings(ctx, failed)
	found = slices.DeleteFunc(found, func(f Finding) bool { return f.Warning })
	if namesHook.MatchString(earlyValidation.ReplaceAllString(failed.reason, "")) {
		hooks, hooksErr := d.hookFindings(ctx, failed)
		found, err = withRules(found, hooks), cmp.Or(err, hooksErr)
	}
	var lines []string
	for _, f := range found {
		lines = append(lines, f.Lines()...)
	}
	switch {
	case len(lines) > 0:
		text := strings.Join(lines, "\n  ")
		refused := errs.Failedf("the change set of stack %q was refused before anything changed:\n  %s", d.goal.Name, text).
			WithHint("%s", orElse(hintFor(text), adviceFor(found)))
		return &errs.Error{Kind: refused.Kind, Message: refused.Message, Hint: refused.Hint, Err: &Refusal{Stack: d.goal.Name, Findings: found}}
	case !hasFindings.MatchString(failed.reason): // there are no findings
		return errs.Failedf("the change set of stack %q could not be created: %s", d.goal.Name, plain).WithHint("%s", hintFor(plain))
	}
	refused := errs.Failedf("the change set of stack %q was refused before anything changed: %s", d.goal.Name, plain)
	if isDenied(err) {
		return refused.WithHint("the findings are in the CloudFormation console; to see them here, bootstrap the account again with a current CDK CLI (`cdk bootstrap %s`): only then may the deploy role read them",
			environmentOf(failed.stackID))
	}
	return refused.WithHint("%s", hintFor(plain))
}

// adviceFor returns a hint for findings of no known reason.
func adviceFor(found []Finding) string {
	if slices.ContainsFunc(found, func(f Finding) bool { return f.Hook == "" }) {
		return "fix these resources in the app"
	}
	return "a hook of the account refused this: follow its findings, or ask the owner of the hook"
}

// Refusal is why a change set was refused. The error of Deploy and Prepare wraps it.
type Refusal struct {
	Stack    string
	Findings []Finding
}

// Error names the findings in short.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%d findings against the change set of stack %q", len(r.Findings), r.Stack)
}

var (
	// earlyValidation matches the names of the validations in a reason.
	earlyValidation = regexp.MustCompile(`AWS::EarlyValidation::\w+|hook\(s\)/validation`)
	namesHook       = regexp.MustCompile(`(?i)\bhooks?\b|\w+::\w+::\w+`)
)

// withRules returns the findings with those of hooks, which replace what the events say
// of the same hook about the whole stack.
func withRules(found, hooks []Finding) []Finding {
	for _, hook := range hooks {
		if hook.Warning {
			continue
		}
		found = slices.DeleteFunc(found, func(f Finding) bool { return f.Hook == hook.Hook && f.LogicalID == "" })
		found = append(found, hook)
	}
	return found
}

// findings reads what validations and hooks have against the change set, warnings as well.
func (d *deployment) findings(ctx context.Context, failed failedChangeSet, tune ...func(*cloudformation.Options)) (found []Finding, err error) {
	input := &cloudformation.DescribeEventsInput{ChangeSetName: &failed.id, Filters: &types.EventFilter{FailedEvents: aws.Bool(true)}}
	if failed.stackID != "" {
		input.StackName = &failed.stackID
	}
	for {
		page, err := call(ctx, d.counted, d.api.DescribeEvents, input, tune...)
		if err != nil {
			return found, err
		}
		for _, event := range page.OperationEvents {
			f := d.goal.finding(failed.nested, event)
			same := func(other Finding) bool { return slices.Equal(f.Lines(), other.Lines()) }
			if f.Reason != "" && !slices.ContainsFunc(found, same) && len(found) < maxFindings {
				found = append(found, f)
			}
		}
		if input.NextToken = page.NextToken; input.NextToken == nil || len(found) == maxFindings {
			return found, nil
		}
	}
}

// environmentOf returns the account and region of a stack in the CDK's notation.
func environmentOf(stackID string) string {
	parsed, err := arn.Parse(stackID)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("aws://%s/%s", parsed.AccountID, parsed.Region)
}

// resource describes a resource of the stack.
func (g Goal) resource(nested []string, id, kind string) string {
	path := g.constructPath(nested, id)
	return describe(nested, id, kind, path, g.source(path))
}

func (g Goal) constructPath(nested []string, id string) string {
	if g.ConstructPath == nil {
		return ""
	}
	return g.ConstructPath(nested, id)
}

func (g Goal) source(path string) string {
	if g.Source == nil || path == "" {
		return ""
	}
	return g.Source(path)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}
