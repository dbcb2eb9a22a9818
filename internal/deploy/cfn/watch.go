package cfn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

const (
	// lookAtStack is how long the events may be silent before the stack itself
	// is looked at, in case the last event was missed.
	lookAtStack = 30 * time.Second
	// patience is how long CloudFormation may be out of reach before a running
	// operation is given up; the operation itself goes on.
	patience = 10 * time.Minute
	// startTime is how long a stack may stay under review after its change set was executed.
	startTime = 5 * time.Minute
)

// watch follows one operation of a stack to its end.
type watch struct {
	d       *deployment
	events  *eventReader
	pace    *pace
	began   time.Time
	looked  time.Time // when the stack itself was last looked at
	trouble time.Time // since when CloudFormation is out of reach
}

// ErrStillRunning is in the chain of an error after which CloudFormation goes on with
// what it has begun.
var ErrStillRunning = errors.New("operation still runs")

// follow waits until the operation whose events the reader reads ends, and
// gives the stack as it is then. The events stay with the reader.
func (d *deployment) follow(ctx context.Context, events *eventReader) (types.Stack, error) {
	now := time.Now()
	w := &watch{d: d, events: events, pace: newPace(), began: now, looked: now}
	for {
		if err := w.pace.wait(ctx, d.options.Budget); err != nil {
			return types.Stack{}, fmt.Errorf("watching stack %q, whose %w: %w", d.goal.Name, ErrStillRunning, err)
		}
		stack, done, err := w.look(ctx)
		if done || err != nil {
			return stack, err
		}
	}
}

// look looks once: at the events, and at the stack when they tell its end or
// are silent. What the stack alone tells may be a stale read for some minutes.
func (w *watch) look(ctx context.Context) (types.Stack, bool, error) {
	news, err := w.events.read(ctx)
	w.tell(news)
	ended := w.events.status != "" && !isRunning(w.events.status) && w.events.status != "REVIEW_IN_PROGRESS"
	if err != nil || !ended && time.Since(w.looked) < lookAtStack {
		return types.Stack{}, false, w.bear(ctx, err)
	}
	w.looked = time.Now()
	stack, err := w.d.describe(ctx, w.events.stackID)
	if err != nil {
		return types.Stack{}, false, w.bear(ctx, err)
	}
	w.trouble = time.Time{}
	if stack == nil { // by its ARN, even a deleted stack is found for 90 days
		return types.Stack{StackStatus: types.StackStatusDeleteComplete}, true, nil
	}
	status := string(stack.StackStatus)
	switch {
	case !ended && status == "REVIEW_IN_PROGRESS" && time.Since(w.began) > startTime:
		return *stack, true, errs.Failedf("stack %q is still %s: its change set was never executed", w.d.goal.Name, status)
	case isRunning(status), status == "REVIEW_IN_PROGRESS", !ended && time.Since(w.began) < startTime:
		return *stack, false, nil
	}
	last, _ := w.events.read(ctx) // what came between; without it only the report is shorter
	w.tell(last)
	return *stack, true, nil
}

// bear takes CloudFormation's absence with patience.
func (w *watch) bear(ctx context.Context, err error) error {
	switch {
	case err == nil:
		w.trouble = time.Time{}
		return nil
	case ctx.Err() != nil || !errs.IsTemporary(err):
		return fmt.Errorf("watching stack %q, whose %w: %w", w.d.goal.Name, ErrStillRunning, err)
	case w.trouble.IsZero():
		w.trouble = time.Now()
	case time.Since(w.trouble) > patience:
		return errs.Temporaryf("CloudFormation has been out of reach for %s; the operation of stack %q goes on: %w", patience, w.d.goal.Name, err)
	}
	return nil
}

func (w *watch) tell(news []ResourceEvent) {
	for _, event := range news {
		w.pace.happened()
		w.d.notify(Event{Time: event.Time, Phase: Resource, Resource: &event})
	}
}

// eventReader reads the events of one operation, each one once, in a stack and
// in its nested stacks.
type eventReader struct {
	d       *deployment
	stackID string
	path    []string // logical ids of the nested stacks that lead here
	since   time.Time
	seen    map[string]bool
	nested  map[string]*eventReader // by ARN
	status  string                  // of the stack, by its newest event
	all     []ResourceEvent         // oldest first
}

// newEvents gives a reader that knows the stack's latest events already and
// reads only those of the operation that is about to begin.
func (d *deployment) newEvents(ctx context.Context, stackID string) (*eventReader, error) {
	r := newEventReader(d, stackID, time.Time{}, nil)
	page, err := call(ctx, d.counted, d.api.DescribeStackEvents, &cloudformation.DescribeStackEventsInput{StackName: &stackID})
	if err != nil {
		return nil, fmt.Errorf("reading the events of stack %q: %w", d.goal.Name, err)
	}
	for _, event := range page.StackEvents {
		r.seen[aws.ToString(event.EventId)] = true
	}
	return r, nil
}

func newEventReader(d *deployment, stackID string, since time.Time, path []string) *eventReader {
	return &eventReader{d: d, stackID: stackID, path: path, since: since, seen: map[string]bool{}, nested: map[string]*eventReader{}}
}

// read gives the events that are new, oldest first.
func (r *eventReader) read(ctx context.Context) ([]ResourceEvent, error) {
	news, err := r.readOwn(ctx)
	for _, event := range news {
		if event.Type == stackType && !event.isStack() && event.PhysicalID != "" && isRunning(event.Status) && r.nested[event.PhysicalID] == nil {
			r.nested[event.PhysicalID] = newEventReader(r.d, event.PhysicalID, r.begin(news), append(slices.Clone(r.path), event.LogicalID))
		}
	}
	for arn, child := range r.nested {
		if takeErr := r.d.options.Budget.take(ctx); takeErr != nil {
			return nil, takeErr
		}
		below, childErr := child.read(ctx)
		news = append(news, below...)
		err = errors.Join(err, childErr)
		if child.status != "" && !isRunning(child.status) {
			delete(r.nested, arn)
		}
	}
	slices.SortStableFunc(news, func(a, b ResourceEvent) int { return a.Time.Compare(b.Time) })
	r.all = append(r.all, news...)
	return news, err
}

// begin is when the operation began.
func (r *eventReader) begin(news []ResourceEvent) time.Time {
	switch {
	case !r.since.IsZero():
		return r.since
	case len(r.all) > 0:
		return r.all[0].Time
	}
	return news[0].Time
}

// readOwn reads pages, newest first, down to what is known or older than the operation.
func (r *eventReader) readOwn(ctx context.Context) ([]ResourceEvent, error) {
	var news []ResourceEvent
	for input := (&cloudformation.DescribeStackEventsInput{StackName: &r.stackID}); ; {
		page, err := call(ctx, r.d.counted, r.d.api.DescribeStackEvents, input)
		if isMissing(err) {
			break
		}
		if err != nil {
			r.forget(news)
			return nil, err
		}
		older := false
		for _, raw := range page.StackEvents {
			event := readEvent(raw, r.path)
			if older = r.seen[event.ID] || event.Time.Before(r.since); older {
				break
			}
			r.seen[event.ID] = true
			news = append(news, event)
			if older = r.since.IsZero() && event.isStack() && begins(event.Status); older {
				break
			}
		}
		if older || page.NextToken == nil {
			break
		}
		input.NextToken = page.NextToken
	}
	if at := slices.IndexFunc(news, ResourceEvent.isStack); at >= 0 {
		r.status = news[at].Status
	}
	slices.Reverse(news)
	return news, nil
}

// forget lets events be read again, as a later page could not be read.
func (r *eventReader) forget(news []ResourceEvent) {
	for _, event := range news {
		delete(r.seen, event.ID)
	}
}

func readEvent(raw types.StackEvent, path []string) ResourceEvent {
	return ResourceEvent{
		ID: aws.ToString(raw.EventId), StackID: aws.ToString(raw.StackId), Nested: path,
		LogicalID: aws.ToString(raw.LogicalResourceId), PhysicalID: aws.ToString(raw.PhysicalResourceId),
		Type: aws.ToString(raw.ResourceType), Status: string(raw.ResourceStatus), Reason: aws.ToString(raw.ResourceStatusReason),
		Hook: aws.ToString(raw.HookType), HookStatus: string(raw.HookStatus), HookReason: aws.ToString(raw.HookStatusReason),
		Time: aws.ToTime(raw.Timestamp),
	}
}
