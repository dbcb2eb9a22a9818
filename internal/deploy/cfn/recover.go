package cfn

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// maxRecoveries limits the operations to start or wait for before a change set
// can be created.
const maxRecoveries = 10

// ready moves the stack to a state in which a change set can be created, and
// returns it; nil is no stack.
func (d *deployment) ready(ctx context.Context) (*types.Stack, error) {
	for range maxRecoveries {
		stack, err := d.describe(ctx, d.goal.Name)
		if err != nil || stack == nil {
			return nil, err
		}
		start := startOf(string(stack.StackStatus))
		switch {
		case start == startNew, start == startUpdate, start == startRollback && d.options.NoRollback:
			return stack, nil
		case start == startWait:
			err = d.attach(ctx, stack)
		default:
			err = d.clear(ctx, stack)
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, errs.Temporaryf("stack %q did not become stable: another process keeps changing it", d.goal.Name)
}

// clear moves the stack out of a state in which nothing can be deployed.
func (d *deployment) clear(ctx context.Context, stack *types.Stack) error {
	switch startOf(string(stack.StackStatus)) {
	case startBroken:
		return d.brokenError(stack)
	case startDelete:
		return d.deleteFailed(ctx, stack)
	}
	return d.rollBack(ctx, stack)
}

// attach waits for an operation of another process: a killed run of this
// pipeline, or a person.
func (d *deployment) attach(ctx context.Context, stack *types.Stack) error {
	d.result.Attached = true
	d.notify(Event{Phase: Waiting, Text: fmt.Sprintf("an operation is in progress (%s); waiting for it", stack.StackStatus)})
	_, err := d.follow(ctx, newEventReader(d, *stack.StackId, time.Time{}, nil))
	return err
}

func (d *deployment) deleteFailed(ctx context.Context, stack *types.Stack) error {
	if aws.ToBool(stack.EnableTerminationProtection) {
		return errs.Failedf("stack %q is %s and must be deleted before it can be created, but it is protected from deletion", d.goal.Name, stack.StackStatus).
			WithHint("disable its termination protection and run again")
	}
	if d.mayNotClear() {
		return d.notPlannable(stack, Recreate)
	}
	d.notify(Event{Phase: Clearing, Text: fmt.Sprintf("its creation had failed (%s); deleting what is left", stack.StackStatus)})
	_, err := d.deleteStack(ctx, stack, ", whose creation had failed")
	return err
}

// deleteStack deletes a stack and waits for the end. It returns the events.
func (d *deployment) deleteStack(ctx context.Context, stack *types.Stack, which string) ([]ResourceEvent, error) {
	events, err := d.newEvents(ctx, *stack.StackId)
	if err != nil {
		return nil, err
	}
	_, err = call(ctx, d.counted, d.api.DeleteStack, &cloudformation.DeleteStackInput{
		StackName: stack.StackId, ClientRequestToken: aws.String(token("delete", d.options.Workflow, stateOf(stack))),
	})
	if err != nil {
		return nil, awsError(fmt.Sprintf("deleting stack %q%s", d.goal.Name, which), err)
	}
	after, err := d.follow(ctx, events)
	if err != nil {
		return events.all, err
	}
	if after.StackStatus != types.StackStatusDeleteComplete {
		return events.all, failure(d.goal, string(after.StackStatus), events.all)
	}
	return events.all, nil
}

// rollBack rolls an interrupted stack back, if that is allowed.
func (d *deployment) rollBack(ctx context.Context, stack *types.Stack) error {
	status := string(stack.StackStatus)
	if !d.options.MayRollBack {
		return errs.Failedf("stack %q is %s: an earlier operation was interrupted", d.goal.Name, status).WithHint("%s", d.recoveryHint(status))
	}
	if d.mayNotClear() {
		return d.notPlannable(stack, RollBack)
	}
	d.notify(Event{Phase: Clearing, Text: fmt.Sprintf("an earlier operation was interrupted (%s); rolling it back", status)})
	events, err := d.newEvents(ctx, *stack.StackId)
	if err != nil {
		return err
	}
	if err := d.beginRollBack(ctx, stack); err != nil {
		return fmt.Errorf("rolling back stack %q: %w", d.goal.Name, err)
	}
	after, err := d.follow(ctx, events)
	if err != nil {
		return err
	}
	if string(after.StackStatus) == status || startOf(string(after.StackStatus)) == startContinue {
		return failure(d.goal, string(after.StackStatus), events.all)
	}
	return nil
}

// beginRollBack starts the rollback of a stack whose operation was interrupted, or
// continues a failed rollback. Only the latter can skip resources.
func (d *deployment) beginRollBack(ctx context.Context, stack *types.Stack) error {
	role := (*string)(nil)
	if d.goal.ExecutionRole != "" {
		role = &d.goal.ExecutionRole
	}
	request := aws.String(token("roll back", d.options.Workflow, stateOf(stack), fmt.Sprint(d.rollbacks)))
	if startOf(string(stack.StackStatus)) == startContinue {
		input := &cloudformation.ContinueUpdateRollbackInput{StackName: stack.StackId, RoleARN: role, ClientRequestToken: request}
		if d.orphans.Failing {
			input.ForceRollback = aws.Bool(true)
		} else {
			input.ResourcesToSkip = d.orphans.LogicalIDs
		}
		_, err := call(ctx, d.counted, d.api.ContinueUpdateRollback, input)
		return err
	}
	_, err := call(ctx, d.counted, d.api.RollbackStack, &cloudformation.RollbackStackInput{
		StackName: stack.StackId, RoleARN: role, ClientRequestToken: request, RetainExceptOnCreate: aws.Bool(true),
	})
	return err
}

// mayNotClear reports whether only a planned change set may be executed.
func (d *deployment) mayNotClear() bool { return d.options.PlanOnly || d.options.Only != nil }

func (d *deployment) notPlannable(stack *types.Stack, outlook Outlook) error {
	d.before = stack
	blocked := &notPlannable{outlook: outlook, status: string(stack.StackStatus)}
	return errs.Failedf("stack %q is %s, and %w", d.goal.Name, stack.StackStatus, blocked).
		WithHint("deploy it without a plan")
}

func (d *deployment) brokenError(stack *types.Stack) error {
	return errs.Failedf("stack %q is %s%s", d.goal.Name, stack.StackStatus, suffix(": ", errs.OneLine(aws.ToString(stack.StackStatusReason)))).
		WithHint("nothing can be deployed to a stack in this state: delete it, keeping the resources that cannot be deleted, and run again")
}
