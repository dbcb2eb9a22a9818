package cfn

import (
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
	findings, err := d.findings(ctx, failed)
	switch {
	case len(findings) > 0:
		text := strings.Join(findings, "\n  ")
		return errs.Failedf("the change set of stack %q was refused before anything changed:\n  %s", d.goal.Name, text).
			WithHint("%s", orElse(hintFor(text), "fix these resources in the app"))
	case !hasFindings.MatchString(failed.reason): // there are no findings
		return errs.Failedf("the change set of stack %q could not be created: %s", d.goal.Name, plain).WithHint("%s", hintFor(plain))
	}
	refused := errs.Failedf("the change set of stack %q was refused before anything changed: %s", d.goal.Name, plain)
	if slices.Contains([]string{"AccessDenied", "AccessDeniedException"}, errs.Code(err)) {
		return refused.WithHint("the findings are in the CloudFormation console; to see them here, bootstrap the account again with a current CDK CLI (`cdk bootstrap %s`): only then may the deploy role read them",
			environmentOf(failed.stackID))
	}
	return refused.WithHint("%s", hintFor(plain))
}

// findings reads the failed validations and hooks of the change set.
func (d *deployment) findings(ctx context.Context, failed failedChangeSet) (lines []string, err error) {
	input := &cloudformation.DescribeEventsInput{ChangeSetName: &failed.id, StackName: &failed.stackID, Filters: &types.EventFilter{FailedEvents: aws.Bool(true)}}
	for {
		page, err := call(ctx, d.counted, d.api.DescribeEvents, input)
		if err != nil {
			return lines, err
		}
		for _, event := range page.OperationEvents {
			if line := d.finding(failed.nested, event); line != "" && !slices.Contains(lines, line) && len(lines) < maxFindings {
				lines = append(lines, line)
			}
		}
		if input.NextToken = page.NextToken; input.NextToken == nil || len(lines) == maxFindings {
			return lines, nil
		}
	}
}

// finding describes an event that failed the change set, or returns "".
func (d *deployment) finding(nested []string, e types.OperationEvent) string {
	who, reason := "", ""
	switch {
	case aws.ToString(e.HookType) != "" && e.HookFailureMode != types.HookFailureModeWarn:
		who, reason = "hook "+aws.ToString(e.HookType), aws.ToString(e.HookStatusReason)
	case aws.ToString(e.ValidationStatusReason) != "" && e.ValidationFailureMode != types.HookFailureModeWarn:
		reason = aws.ToString(e.ValidationStatusReason)
	}
	if reason == "" {
		return ""
	}
	line := fmt.Sprintf("%s: %s", d.goal.resource(nested, aws.ToString(e.LogicalResourceId), aws.ToString(e.ResourceType)), errs.OneLine(reason))
	if property := propertyOf(aws.ToString(e.ValidationPath)); property != "" {
		line += " (property " + property + ")"
	}
	return line + suffix("; ", who)
}

// propertyOf returns "Name" for "/Resources/Queue/Properties/Name".
func propertyOf(path string) string {
	_, property, _ := strings.Cut(path, "/Properties/")
	return strings.ReplaceAll(property, "/", ".")
}

// environmentOf returns the account and region of a stack in the CDK's notation.
func environmentOf(stackID string) string {
	parsed, err := arn.Parse(stackID)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("aws://%s/%s", parsed.AccountID, parsed.Region)
}

// resource describes a resource: its logical id, and in parentheses its type, its
// construct path, and the line of the app that creates it.
func (g Goal) resource(nested []string, id, kind string) string {
	about := kind
	if path := g.constructPath(nested, id); path != "" {
		about += suffix(", ", path) + suffix(", ", g.source(path))
	}
	name := strings.Join(append(slices.Clone(nested), id), "/")
	if about == "" {
		return name
	}
	return fmt.Sprintf("%s (%s)", name, strings.TrimPrefix(about, ", "))
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
