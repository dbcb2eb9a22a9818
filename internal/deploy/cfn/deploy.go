package cfn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Options are how to deploy.
type Options struct {
	Workflow    string      // name of the run; part of the idempotency tokens
	Budget      *Budget     // shared by all deployments of the account and region; nil is unlimited
	Force       bool        // create a change set even if nothing seems changed
	MayRollBack bool        // roll back an earlier operation that was interrupted
	NoRollback  bool        // do not roll back a failed operation, and deploy onto a stack in this state
	PlanOnly    bool        // create the change set and do not execute it
	Discard     bool        // with PlanOnly: delete the change set after reading it, and the stack created for it
	Only        *Prescribed // execute this and nothing else; nil allows everything
	Reserved    string      // key of a tag of stacks that must not be changed; empty is none
	Notify      func(Event) // receives all events; may be nil

	Fresh bool // make a new change set, as one that is there was made before what it reads changed
	// Permit decides whether a change set is executed, whose content prepared reads. Its error
	// stops the deployment, and the change set stays. Nil permits all.
	Permit func(ctx context.Context, changeSet string, prepared func(context.Context) (Prepared, error)) error
	// Upload publishes a template that is too large to send inline and returns its
	// URL. It may be nil.
	Upload func(ctx context.Context, template []byte) (url string, err error)
	// Ready is called before a change set is created and returns when the template
	// and the assets are published. Its error stops the deployment. It may be nil.
	Ready func(ctx context.Context) error
}

// deployment is the deployment of one stack.
type deployment struct {
	*counted
	options   Options
	goal      Goal
	result    Result
	executed  bool             // an operation was started
	orphans   Orphans          // of a rollback
	rollbacks int              // started so far
	warned    <-chan []Finding // warnings that are being read; nil is none
	before    *types.Stack     // before the change set; nil is no stack

	changeSetName string
	requested     bool // CreateChangeSet was called
	createdShell  bool // the change set created an empty stack
}

// Deploy deploys one stack. The result is filled in even if there is an error. The
// error for a failed stack has kind Failed and wraps a *Failure. A running
// operation continues after ctx ends.
func Deploy(ctx context.Context, api API, goal Goal, o Options) (Result, error) {
	d := &deployment{counted: &counted{api: api, budget: o.Budget}, options: o, goal: goal}
	d.result.Started = time.Now()
	d.result.Digest, d.result.Template = digest(goal), templateDigest(goal)
	err := d.run(ctx)
	if kind := errs.KindOf(err); err != nil && !d.executed && o.Only == nil && (kind == errs.Failed || kind == errs.Invalid) {
		d.dropShell(ctx)
	}
	d.result.Ended = time.Now()
	d.result.Calls = int(d.calls.Load())
	if err == nil {
		d.notify(Event{Phase: Finished, Text: d.result.summary()})
	}
	return d.result, err
}

// maxRaces is how often a concurrent operation may start between our read of the
// stack and our own operation.
const maxRaces = 5

// run compares the stack with its goal and changes it. It retries after a
// concurrent operation.
func (d *deployment) run(ctx context.Context) error {
	d.nameChangeSet()
	d.notify(Event{Phase: Comparing})
	if err := d.checkPlanned(); err != nil {
		return err
	}
	for range maxRaces {
		stack, send, err := d.compare(ctx)
		if err == nil && d.result.Action == "" {
			err = d.change(ctx, stack, send)
		}
		switch {
		case errors.Is(err, errRollBackFirst):
			d.options.MayRollBack, d.options.NoRollback = true, false
		case !isBusy(err):
			return err
		}
	}
	return errs.Temporaryf("another process keeps changing stack %q", d.goal.Name)
}

// compare waits until the stack can be changed and returns it with the parameters
// to send; nil is no stack. It sets the action of the result if nothing changes.
func (d *deployment) compare(ctx context.Context) (*types.Stack, []types.Parameter, error) {
	stack, err := d.ready(ctx)
	if err != nil {
		return nil, nil, err
	}
	d.before, d.result.Action, d.result.Before = stack, "", nil
	exists := isUpdate(stack)
	if isEmpty(d.goal.Template) {
		return nil, nil, d.skipEmpty(exists)
	}
	previous := map[string]string{}
	if exists {
		previous = previousValues(*stack)
	}
	p, err := planParameters(d.goal, previous)
	if err != nil {
		return nil, nil, err
	}
	reason := "it does not exist yet"
	if exists {
		d.keep(*stack)
		if reason, err = mustChange(d.goal, p, *stack, d.templateOf(ctx, stack)); err != nil {
			return nil, nil, fmt.Errorf("comparing stack %q: %w", d.goal.Name, err)
		}
	}
	d.result.Reason = reason
	if reason == "" && !d.options.Force {
		d.result.Action = Unchanged
	}
	return stack, p.send, nil
}

// change creates a change set and executes it.
func (d *deployment) change(ctx context.Context, stack *types.Stack, send []types.Parameter) error {
	d.notify(Event{Phase: Preparing, Text: d.result.Reason})
	if d.options.Ready != nil {
		if err := d.options.Ready(ctx); err != nil {
			return err
		}
	}
	set, err := d.changeSet(ctx, stack, send)
	if err == nil && set != nil && d.fromURL() {
		err = d.checkTemplate(ctx, set)
	}
	switch {
	case err != nil:
		return err
	case d.options.PlanOnly && set != nil:
		d.warn(d.warnings(ctx, set))
		d.result.Action, d.result.ChangeSet = Planned, aws.ToString(set.ChangeSetId)
		return nil
	case set != nil:
		if err := d.permit(ctx, stack, set); err != nil {
			return err
		}
	}
	if !d.options.PlanOnly {
		if err := d.protect(ctx, stack); err != nil {
			return err
		}
	}
	if set == nil && isPaused(stack) {
		return d.stillPaused(stack)
	}
	if set == nil {
		d.result.Action = Unchanged
		if d.result.Protect != nil {
			d.result.Action = Updated
		}
		return nil
	}
	d.result.Action = Created
	if isUpdate(stack) {
		d.result.Action = Updated
	}
	return d.execute(ctx, set)
}

// protect sets the stack's termination protection if it changes.
func (d *deployment) protect(ctx context.Context, stack *types.Stack) error {
	before := stack != nil && aws.ToBool(stack.EnableTerminationProtection)
	if before == d.goal.TerminationProtection {
		return nil
	}
	_, err := call(ctx, d.counted, d.api.UpdateTerminationProtection, &cloudformation.UpdateTerminationProtectionInput{
		StackName: &d.result.StackID, EnableTerminationProtection: aws.Bool(d.goal.TerminationProtection),
	})
	if err != nil {
		return fmt.Errorf("changing the termination protection of stack %q: %w", d.goal.Name, err)
	}
	d.result.Protect = &d.goal.TerminationProtection
	return nil
}

func (d *deployment) execute(ctx context.Context, set *cloudformation.DescribeChangeSetOutput) error {
	d.readBefore(ctx)
	d.executed = true
	warned := make(chan []Finding, 1)
	d.warned = warned
	go func() { warned <- d.warnings(ctx, set) }() // while the change set is executed
	defer d.awaitWarnings()
	d.notify(Event{Phase: Executing, Text: Count(d.result.Changes) + d.goal.Alarms.watching(), Total: len(d.result.Changes)})
	input := &cloudformation.ExecuteChangeSetInput{
		StackName: set.StackId, ChangeSetName: set.ChangeSetId,
		ClientRequestToken: aws.String(token("execute", d.options.Workflow, aws.ToString(set.ChangeSetId))),
	}
	if d.options.NoRollback {
		input.DisableRollback = aws.Bool(true)
	}
	_, err := call(ctx, d.counted, d.api.ExecuteChangeSet, input)
	// An attempt whose response was lost has started the operation.
	var state *types.InvalidChangeSetStatusException
	if errors.As(err, &state) && strings.Contains(state.ErrorMessage(), "EXECUTE_") {
		err = nil
	}
	switch {
	case err != nil && ctx.Err() != nil: // the call may have arrived
		return fmt.Errorf("executing the change set of stack %q, whose %w if it was started: %w", d.goal.Name, ErrStillRunning, err)
	case err != nil:
		return fmt.Errorf("executing the change set of stack %q: %w", d.goal.Name, err)
	}
	events := newEventReader(d, aws.ToString(set.StackId), aws.ToTime(set.CreationTime), nil)
	stack, err := d.follow(ctx, events)
	d.result.Events = events.all
	if err != nil {
		return err
	}
	d.keep(stack)
	if !isSuccess(string(stack.StackStatus)) {
		return withRecoveryHint(d.explained(ctx, failure(d.goal, string(stack.StackStatus), events.all)), stack)
	}
	return nil
}

// explained adds the findings of hooks to a failure.
func (d *deployment) explained(ctx context.Context, err error) error {
	if f := new(Failure); errors.As(err, &f) {
		ctx, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		d.behindHooks(ctx, f)
	}
	return err
}

// describe returns a stack by name or ARN; nil is no stack.
func (d *deployment) describe(ctx context.Context, name string) (*types.Stack, error) {
	answer, err := call(ctx, d.counted, d.api.DescribeStacks, &cloudformation.DescribeStacksInput{StackName: &name})
	stack, err := found(answer, err, d.goal.Name)
	if stack != nil && name == d.goal.Name {
		err = d.checkReserved(stack)
	}
	return stack, err
}

// checkReserved refuses a stack that was there before and has the reserved tag.
func (d *deployment) checkReserved(stack *types.Stack) error {
	for _, tag := range stack.Tags {
		if d.options.Reserved != "" && aws.ToString(tag.Key) == d.options.Reserved {
			return errs.Invalidf("stack %q belongs to pipeline %s, and no app may change it", d.goal.Name, errs.OneLine(aws.ToString(tag.Value))).
				WithHint("give the app's stack another name")
		}
	}
	return nil
}

func (d *deployment) templateOf(ctx context.Context, stack *types.Stack) func() (string, error) {
	return func() (string, error) {
		found, err := call(ctx, d.counted, d.api.GetTemplate, &cloudformation.GetTemplateInput{
			StackName: stack.StackId, TemplateStage: types.TemplateStageOriginal,
		})
		if err != nil {
			return "", err
		}
		d.result.Before = []byte(aws.ToString(found.TemplateBody))
		return aws.ToString(found.TemplateBody), nil
	}
}

// keep copies the stack's status and outputs into the result.
func (d *deployment) keep(stack types.Stack) {
	d.result.Status = string(stack.StackStatus)
	if stack.StackId != nil {
		d.result.StackID = *stack.StackId
	}
	d.result.Outputs = nil
	for _, output := range stack.Outputs {
		d.result.Outputs = append(d.result.Outputs, Output{
			Key: aws.ToString(output.OutputKey), Value: aws.ToString(output.OutputValue),
			Description: aws.ToString(output.Description), ExportName: aws.ToString(output.ExportName),
		})
	}
}

func (d *deployment) notify(event Event) {
	if d.options.Notify == nil {
		return
	}
	event.Stack = d.goal.Name
	if event.Time.IsZero() {
		event.Time = time.Now()
	}
	d.options.Notify(event)
}
