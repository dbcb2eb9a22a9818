package cfn

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Orphans are resources that a rollback may skip if they cannot be rolled back. At
// most one field is set.
type Orphans struct {
	Failing    bool     // all that fail
	LogicalIDs []string // these
}

const (
	// RolledBack is a stack that was rolled back to its last stable state.
	RolledBack Action = "rolled back"
)

// RollBackStack rolls a stack whose operation was interrupted back to its last
// stable state, as `cdk rollback` does. The result of a stack that needs no
// rollback is Unchanged, with the reason.
func RollBackStack(ctx context.Context, api API, goal Goal, orphans Orphans, o Options) (Result, error) {
	if orphans.Failing && len(orphans.LogicalIDs) > 0 {
		return Result{}, errs.Invalidf("--force skips all failing resources, --orphan some: use one of them")
	}
	d := &deployment{counted: &counted{api: api, budget: o.Budget}, options: o, goal: goal, orphans: orphans}
	d.options.MayRollBack = true
	d.result.Started = time.Now()
	err := d.runRollBack(ctx)
	d.result.Ended, d.result.Calls = time.Now(), int(d.calls.Load())
	if err == nil {
		d.notify(Event{Phase: Finished, Text: string(d.result.Action) + suffix(": ", d.result.Reason)})
	}
	return d.result, err
}

func (d *deployment) runRollBack(ctx context.Context) error {
	d.result.Action = Unchanged
	for range maxRecoveries {
		stack, err := d.describe(ctx, d.goal.Name)
		if err != nil {
			return err
		}
		if stack == nil {
			d.result.Reason = "there is no such stack"
			return nil
		}
		d.keep(*stack)
		switch startOf(string(stack.StackStatus)) {
		case startRollback, startContinue:
			err = d.rollBackOnce(ctx, stack)
		case startWait:
			err = d.attach(ctx, stack)
		default:
			if d.result.Action == Unchanged {
				d.result.Reason = noRollBack(string(stack.StackStatus))
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return errs.Failedf("the rollback of stack %q has not finished: the stack is %s", d.goal.Name, d.result.Status)
}

// rollBackOnce runs one rollback. A failed one that may skip the failed resources
// is continued by the next.
func (d *deployment) rollBackOnce(ctx context.Context, stack *types.Stack) error {
	d.result.Action = RolledBack
	d.rollbacks++
	err := d.rollBack(ctx, stack)
	if err == nil {
		return nil
	}
	after, describeErr := d.describe(ctx, aws.ToString(stack.StackId))
	if describeErr != nil || after == nil {
		return err
	}
	d.keep(*after)
	if d.orphans.Failing && startOf(string(after.StackStatus)) == startContinue {
		return nil // the next one skips what failed
	}
	return fmt.Errorf("rolling back: %w", err)
}

func noRollBack(status string) string {
	if strings.HasPrefix(status, "ROLLBACK_") {
		return "it is " + status + ", as its creation failed: deploying it deletes what is left and creates it again"
	}
	return "it is " + status + " and needs no rollback"
}
