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

// discardedName is the prefix of change sets that are deleted once their changes
// are read. Each plan has a unique name.
const discardedName = "aphex-plan-"

// discardLimit is the timeout for deleting what a plan created, also after a cancellation.
const discardLimit = 2 * time.Minute

// callLimit is the timeout of a call that is not cancelled with the plan, as its
// response names what to delete.
const callLimit = 30 * time.Second

func (d *deployment) nameChangeSet() {
	d.changeSetName = changeSetName
	if d.options.Discard {
		d.changeSetName = discardedName + rand.Text()
	}
}

// discard deletes the change set, and the empty stack that was created for it.
func (d *deployment) discard(ctx context.Context) error {
	if !d.requested {
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
	if !d.createdShell || stack.StackStatus != types.StackStatusReviewInProgress {
		return nil
	}
	if kept, err := d.leftover(ctx, stack); err != nil || kept != nil {
		return err // the stack has a change set of another plan, which is kept
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
