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
	// silenceLimit is the time without events after which the stack itself is
	// described, in case the last event was missed.
	silenceLimit = 30 * time.Second
	// outageLimit is how long CloudFormation may be unreachable before a running
	// operation is no longer watched; the operation itself continues.
	outageLimit = 10 * time.Minute
	// startLimit is how long a stack may stay under review after its change set was executed.
	startLimit = 5 * time.Minute
)

// watch follows one operation of a stack to its end.
type watch struct {
	d         *deployment
	events    *eventReader
	pace      *pace
	began     time.Time
	described time.Time // when the stack itself was last described
	outage    time.Time // since when CloudFormation is unreachable
}

// ErrStillRunning is in the chain of an error after which the operation continues
// in CloudFormation.
var ErrStillRunning = errors.New("operation still runs")

// follow waits for the end of the operation whose events the reader reads, and
// returns the stack. The events are in the reader.
func (d *deployment) follow(ctx context.Context, events *eventReader) (types.Stack, error) {
	now := time.Now()
	w := &watch{d: d, events: events, pace: newPace(), began: now, described: now}
	for {
		if err := w.pace.wait(ctx, d.options.Budget); err != nil {
			return types.Stack{}, fmt.Errorf("watching stack %q, whose %w: %w", d.goal.Name, ErrStillRunning, err)
		}
		d.takeWarnings()
		stack, done, err := w.poll(ctx)
		if done || err != nil {
			return stack, err
		}
	}
}

// poll reads the events once, and describes the stack if there are none or they
// show its end. The status of the stack alone may be a stale read for minutes.
func (w *watch) poll(ctx context.Context) (types.Stack, bool, error) {
	news, err := w.events.read(ctx)
	w.report(news)
	ended := w.events.status != "" && !isRunning(w.events.status) && w.events.status != "REVIEW_IN_PROGRESS"
	if err != nil || !ended && time.Since(w.described) < silenceLimit {
		return types.Stack{}, false, w.tolerate(ctx, err)
	}
	w.described = time.Now()
	stack, err := w.d.describe(ctx, w.events.stackID)
	if err != nil {
		return types.Stack{}, false, w.tolerate(ctx, err)
	}
	w.outage = time.Time{}
	if stack == nil { // a deleted stack can be described by its ARN for 90 days
		return types.Stack{StackStatus: types.StackStatusDeleteComplete}, true, nil
	}
	status := string(stack.StackStatus)
	switch {
	case !ended && status == "REVIEW_IN_PROGRESS" && time.Since(w.began) > startLimit:
		return *stack, true, errs.Failedf("stack %q is still %s: its change set was never executed", w.d.goal.Name, status)
	case isRunning(status), status == "REVIEW_IN_PROGRESS", !ended && time.Since(w.began) < startLimit:
		return *stack, false, nil
	}
	last, _ := w.events.read(ctx) // an error only shortens the report
	w.report(last)
	return *stack, true, nil
}

// tolerate tolerates an unreachable CloudFormation for a while.
func (w *watch) tolerate(ctx context.Context, err error) error {
	switch {
	case err == nil:
		w.outage = time.Time{}
		return nil
	case ctx.Err() != nil || !errs.IsTemporary(err):
		return fmt.Errorf("watching stack %q, whose %w: %w", w.d.goal.Name, ErrStillRunning, err)
	case w.outage.IsZero():
		w.outage = time.Now()
	case time.Since(w.outage) > outageLimit:
		return errs.Temporaryf("CloudFormation has been unreachable for %s; the operation of stack %q is still running: %w", outageLimit, w.d.goal.Name, err)
	}
	return nil
}

func (w *watch) report(news []ResourceEvent) {
	for _, event := range news {
		w.pace.happened()
		w.d.notify(Event{Time: event.Time, Phase: Resource, Resource: &event})
	}
}

// eventReader reads the events of one operation of a stack and its nested stacks,
// each event once.
type eventReader struct {
	d       *deployment
	stackID string
	path    []string // logical ids of the nested stacks around it, outermost first
	since   time.Time
	seen    map[string]bool
	nested  map[string]*eventReader // by ARN
	status  string                  // of the stack, by its newest event
	all     []ResourceEvent         // oldest first
}

// newEvents returns a reader that skips the stack's existing events and reads only
// those of the operation that is about to start.
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

// read returns the new events, oldest first.
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

// begin returns the start of the operation.
func (r *eventReader) begin(news []ResourceEvent) time.Time {
	switch {
	case !r.since.IsZero():
		return r.since
	case len(r.all) > 0:
		return r.all[0].Time
	}
	return news[0].Time
}

// readOwn reads pages, newest first, until a known event or one before the operation.
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

// forget lets events be read again after an error on a later page.
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
		Hook: aws.ToString(raw.HookType), HookID: aws.ToString(raw.HookInvocationId), HookStatus: string(raw.HookStatus),
		HookReason: aws.ToString(raw.HookStatusReason), HookWarns: raw.HookFailureMode == types.HookFailureModeWarn,
		Properties: aws.ToString(raw.ResourceProperties), Time: aws.ToTime(raw.Timestamp),
	}
}
