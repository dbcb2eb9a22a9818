package cfn

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Prescribed is what a plan of Prepare allows a deployment to do with a stack.
type Prescribed struct {
	Digest    string // of the goal
	ChangeSet string // ARN; "" if there is nothing to execute
	Unchanged bool   // the stack was unchanged
}

// checkPlanned rejects a goal that differs from that of the plan.
func (d *deployment) checkPlanned() error {
	if plan := d.options.Only; plan != nil && plan.Digest != d.result.Digest {
		return errs.Failedf("stack %q differs from the plan: its template, parameters or tags have changed", d.goal.Name).
			WithHint("plan again, from the same commit as the deployment")
	}
	return nil
}

// planned returns the change set of the plan if it can still be executed. Nil is
// a plan without one.
func (d *deployment) planned(ctx context.Context) (*cloudformation.DescribeChangeSetOutput, error) {
	plan := d.options.Only
	if plan.ChangeSet == "" {
		if d.result.Reason == protectionChanged && !plan.Unchanged {
			return nil, nil
		}
		if plan.Unchanged && slices.Contains([]string{readsSSM, readsOutputs, isTransformed}, d.result.Reason) {
			return nil, nil // it may have changed, but the plan found no change
		}
		return nil, d.outdated("there was nothing to execute then, but now " + d.result.Reason)
	}
	if d.before == nil {
		return nil, d.outdated("it is gone")
	}
	stack := aws.ToString(d.before.StackId)
	found, err := d.describeChangeSet(ctx, stack, plan.ChangeSet)
	switch {
	case isGone(err) || isMissing(err):
		return nil, d.outdated("its change set is gone")
	case err != nil:
		return nil, fmt.Errorf("reading the planned change set of stack %q: %w", d.goal.Name, err)
	case aws.ToString(found.StackId) != stack:
		return nil, d.outdated("the stack is another one of the same name")
	case found.Status != types.ChangeSetStatusCreateComplete || found.ExecutionStatus != types.ExecutionStatusAvailable:
		return nil, d.outdated(fmt.Sprintf("its change set is %s and %s", found.Status, found.ExecutionStatus))
	}
	d.result.Changes = changesOf(found.Changes)
	return found, nil
}

func (d *deployment) outdated(how string) error {
	return errs.Failedf("stack %q has changed since it was planned: %s", d.goal.Name, how).WithHint("plan again")
}
