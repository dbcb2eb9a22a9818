package cfn

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// discardedName begins the names of change sets that only show what would
// change and are deleted then. Each plan has a name of its own.
const discardedName = "aphex-plan-"

// discardLimit bounds the removal of what a plan made, also when it is stopped.
const discardLimit = 2 * time.Minute

// callLimit bounds a call that is finished although the plan is stopped: only
// with its answer is it known what there is to remove.
const callLimit = 30 * time.Second

func (d *deployment) nameChangeSet() {
	d.changeSetName = changeSetName
	if d.options.Discard {
		d.changeSetName = discardedName + rand.Text()
	}
}

// discard removes the change set that was made for a look at it, and the empty
// stack that was made for the change set.
func (d *deployment) discard(ctx context.Context) error {
	if !d.asked {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardLimit)
	defer cancel()
	stack, err := d.describe(ctx, cmp.Or(d.result.StackID, d.goal.Name))
	if err != nil || stack == nil {
		return err
	}
	if err := d.deleteChangeSet(ctx, *stack.StackId, d.changeSetName); err != nil {
		return err
	}
	if !d.madeShell || stack.StackStatus != types.StackStatusReviewInProgress {
		return nil
	}
	if kept, err := d.leftover(ctx, stack); err != nil || kept != nil {
		return err // somebody has planned meanwhile, to keep it
	}
	return d.deleteShell(ctx, *stack.StackId)
}

func (d *deployment) deleteShell(ctx context.Context, id string) error {
	if _, err := call(ctx, d.counted, d.api.DeleteStack, &cloudformation.DeleteStackInput{StackName: &id}); err != nil {
		return fmt.Errorf("deleting the empty stack %q: %w", d.goal.Name, err)
	}
	for pace := newPace(); ; {
		stack, err := d.describe(ctx, id)
		if err == nil && (stack == nil || stack.StackStatus != types.StackStatusReviewInProgress && stack.StackStatus != types.StackStatusDeleteInProgress) {
			return nil
		}
		if err := pace.wait(ctx, d.options.Budget); err != nil {
			return fmt.Errorf("waiting until the empty stack %q is deleted: %w", d.goal.Name, err)
		}
	}
}
