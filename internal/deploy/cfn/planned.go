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

// Prescribed is what a plan, made with Prepare, lets a deployment do with a stack.
type Prescribed struct {
	Digest    string // of the goal
	ChangeSet string // ARN; "" if there is nothing to execute
	Leave     bool   // the stack was as it should be
}

// checkPlanned refuses a goal that is another one than that of the plan.
func (d *deployment) checkPlanned() error {
	if plan := d.options.Only; plan != nil && plan.Digest != d.result.Digest {
		return errs.Failedf("stack %q is not what was planned: its template, parameters or tags are others now", d.goal.Name).
			WithHint("plan again, from the same commit as the deployment")
	}
	return nil
}

// planned gives the change set of the plan if it can still be executed. nil is
// a plan that changes nothing but the termination protection.
func (d *deployment) planned(ctx context.Context) (*cloudformation.DescribeChangeSetOutput, error) {
	plan := d.options.Only
	if plan.ChangeSet == "" {
		if d.result.Reason == protectionChanged && !plan.Leave {
			return nil, nil
		}
		if plan.Leave && slices.Contains([]string{readsSSM, readsOutputs, isTransformed}, d.result.Reason) {
			return nil, nil // no more is known than that it may change, and the plan's change set did not
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
		return nil, fmt.Errorf("looking for the planned change set of stack %q: %w", d.goal.Name, err)
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
