package cfn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Diagnosis is what the events of a stack say about one operation, whoever started it.
type Diagnosis struct {
	StackID string // ARN; "" is no stack
	Status  string // of the stack now
	Ended   string // status that the operation ended in; "" while it runs
	Began   time.Time
	Last    time.Time // of the last event of the operation
	Err     error     // why it failed, as Deploy returns it; nil if nothing failed
	Cause   *Finding  // the resource that failed first; nil if none did
}

// Running reports whether the operation has not ended.
func (d Diagnosis) Running() bool { return d.StackID != "" && d.Ended == "" && !d.Began.IsZero() }

// Span is a time in which an operation began; the zero value is the last operation.
type Span struct{ From, To time.Time }

// Diagnose explains the last operation of a stack, or the first one in a span that failed. It
// changes nothing. A change set that was refused since is explained instead.
func Diagnose(ctx context.Context, api API, goal Goal, in Span) (Diagnosis, error) {
	d := &deployment{counted: &counted{api: api}, goal: goal}
	stack, err := d.describe(ctx, goal.Name)
	if err != nil || stack == nil && in == (Span{}) {
		return Diagnosis{}, err
	}
	var found Diagnosis
	var events []ResourceEvent
	if stack != nil {
		d.known(ctx, stack)
		found.StackID, found.Status = aws.ToString(stack.StackId), string(stack.StackStatus)
		events, err = d.eventsIn(ctx, found.StackID, in)
	}
	if err == nil && len(events) == 0 && in != (Span{}) { // the stack of that time may be gone
		found, events, err = d.deletedIn(ctx, in, found)
	}
	if err != nil {
		return found, fmt.Errorf("reading the events of stack %q: %w", goal.Name, err)
	}
	if len(events) > 0 {
		found.Began, found.Last, found.Ended = events[0].Time, events[len(events)-1].Time, ending(events)
	}
	if in == (Span{}) {
		refused, err := d.refusedSince(ctx, found)
		if err != nil || refused != nil {
			found.Err = refused
			return found, err
		}
	}
	if failed(events) {
		found.Err = d.explained(ctx, failure(d.goal, orElse(found.Ended, found.Status), events))
		found.Cause = d.goal.causeOf(found.Err)
	}
	return found, nil
}

// eventsIn returns the events of the operation to explain.
func (d *deployment) eventsIn(ctx context.Context, stackID string, in Span) ([]ResourceEvent, error) {
	reader := newEventReader(d, stackID, in.From, nil)
	_, err := reader.read(ctx)
	return chosen(reader.all, in), err
}

// maxListed limits the pages of deleted stacks, which CloudFormation lists for 90 days.
const maxListed = 20

// deletedIn finds a deleted stack of the name that existed in the span, as one whose creation
// failed is deleted by the next deployment; otherwise it returns what was found.
func (d *deployment) deletedIn(ctx context.Context, in Span, found Diagnosis) (Diagnosis, []ResourceEvent, error) {
	input := &cloudformation.ListStacksInput{StackStatusFilter: []types.StackStatus{types.StackStatusDeleteComplete}}
	for range maxListed {
		page, err := call(ctx, d.counted, d.api.ListStacks, input)
		if err != nil {
			return found, nil, err
		}
		for _, s := range page.StackSummaries {
			if aws.ToString(s.StackName) != d.goal.Name || aws.ToTime(s.CreationTime).After(in.To) || aws.ToTime(s.DeletionTime).Before(in.From) {
				continue
			}
			events, err := d.eventsIn(ctx, aws.ToString(s.StackId), in)
			if err != nil || len(events) > 0 {
				return Diagnosis{StackID: aws.ToString(s.StackId), Status: string(s.StackStatus)}, events, err
			}
		}
		if input.NextToken = page.NextToken; input.NextToken == nil {
			break
		}
	}
	return found, nil, nil
}

// known takes the construct paths from the template of the stack where the app does not know
// its resources.
func (d *deployment) known(ctx context.Context, stack *types.Stack) {
	app := d.goal.ConstructPath
	var deployed func(id string) string
	d.goal.ConstructPath = func(nested []string, id string) string {
		if app != nil {
			if path := app(nested, id); path != "" {
				return path
			}
		}
		if len(nested) > 0 {
			return ""
		}
		if deployed == nil {
			deployed = d.pathsIn(ctx, stack)
		}
		return deployed(id)
	}
}

// pathsIn returns the construct paths that the metadata of a stack's template has.
func (d *deployment) pathsIn(ctx context.Context, stack *types.Stack) func(id string) string {
	var template struct {
		Resources map[string]struct{ Metadata map[string]any }
	}
	if text, err := d.templateOf(ctx, stack)(); err == nil {
		var content any
		if decodeJSON([]byte(text), &template) != nil && decodeYAML([]byte(text), &content) == nil {
			_ = reencode(content, &template) // without metadata there are no paths
		}
	}
	return func(id string) string {
		path, _ := template.Resources[id].Metadata["aws:cdk:path"].(string)
		return path
	}
}

// chosen returns the events of the last operation, or of the first one in the span that failed,
// else of the last one in it.
func chosen(events []ResourceEvent, in Span) []ResourceEvent {
	operations := operationsOf(events)
	if len(operations) == 0 {
		return nil
	}
	if in == (Span{}) {
		return operations[len(operations)-1]
	}
	operations = slices.DeleteFunc(operations, func(o []ResourceEvent) bool { return o[0].Time.After(in.To) })
	for _, o := range operations {
		if failed(o) {
			return o
		}
	}
	if len(operations) == 0 {
		return nil
	}
	return operations[len(operations)-1]
}

// operationsOf divides the events of a stack into its operations. A review belongs to the
// operation after it.
func operationsOf(events []ResourceEvent) (operations [][]ResourceEvent) {
	start, reviewed := 0, false
	for i, e := range events {
		if !e.isStack() || len(e.Nested) > 0 || !begins(e.Status) {
			continue
		}
		if i > start && !reviewed {
			operations = append(operations, events[start:i])
			start = i
		}
		reviewed = e.Status == "REVIEW_IN_PROGRESS"
	}
	if start < len(events) {
		operations = append(operations, events[start:])
	}
	return operations
}

// failed reports whether an operation failed, or is about to.
func failed(events []ResourceEvent) bool {
	end := ending(events)
	if end == "" {
		return len(causes(events)) > 0
	}
	return !isSuccess(end) && end != "DELETE_COMPLETE"
}

// ending returns the status that an operation ended in; "" while it runs.
func ending(events []ResourceEvent) string {
	for _, e := range slices.Backward(events) {
		if e.isStack() && len(e.Nested) == 0 {
			if isRunning(e.Status) || e.Status == "REVIEW_IN_PROGRESS" {
				return ""
			}
			return e.Status
		}
	}
	return ""
}

// refusedSince explains the newest change set that was refused after the operation; nil is none.
func (d *deployment) refusedSince(ctx context.Context, last Diagnosis) (refused, err error) {
	var newest *types.ChangeSetSummary
	for input := (&cloudformation.ListChangeSetsInput{StackName: &last.StackID}); ; {
		page, err := call(ctx, d.counted, d.api.ListChangeSets, input)
		if isMissing(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("listing the change sets of stack %q: %w", d.goal.Name, err)
		}
		for _, set := range page.Summaries {
			at := aws.ToTime(set.CreationTime)
			if set.Status == types.ChangeSetStatusFailed && !saysNoChanges(aws.ToString(set.StatusReason)) && at.After(last.Last) &&
				(newest == nil || at.After(aws.ToTime(newest.CreationTime))) {
				newest = &set
			}
		}
		if input.NextToken = page.NextToken; input.NextToken == nil {
			break
		}
	}
	if newest == nil {
		return nil, nil
	}
	set, err := d.describeChangeSet(ctx, last.StackID, aws.ToString(newest.ChangeSetId))
	if err != nil {
		return nil, fmt.Errorf("reading a change set of stack %q: %w", d.goal.Name, err)
	}
	return d.refusal(ctx, d.deepest(ctx, set)), nil
}

// causeOf returns the resource that failed first, with where the app makes it; nil if none did.
func (g Goal) causeOf(err error) *Finding {
	failed := new(Failure)
	if !errors.As(err, &failed) || failed.Cause == nil {
		return nil
	}
	e := *failed.Cause
	path := g.constructPath(e.Nested, e.LogicalID)
	return &Finding{Nested: e.Nested, LogicalID: e.LogicalID, Type: e.Type, Path: path, Source: g.source(path), Reason: strings.TrimSpace(e.Reason)}
}
