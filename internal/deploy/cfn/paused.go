package cfn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// errRollBackFirst says that a change cannot be deployed onto a stack that
// was interrupted, and that the stack may be rolled back for it.
var errRollBackFirst = errors.New("the stack must be rolled back first")

// isPaused says whether an operation of the stack failed and was not rolled back.
func isPaused(stack *types.Stack) bool {
	return stack != nil && startOf(string(stack.StackStatus)) == startRollback
}

// isThere says whether a change set of the stack is an update.
func isThere(stack *types.Stack) bool {
	return isPaused(stack) || stack != nil && startOf(string(stack.StackStatus)) == startUpdate
}

// checkReplacement looks for what CloudFormation does not do without rolling
// back on failure: replacing resources. Such a change is deployed with rollback;
// onto a stack whose operation was interrupted it cannot be deployed at all.
func (d *deployment) checkReplacement(stack *types.Stack, set *cloudformation.DescribeChangeSetOutput) error {
	replaced := replacement(set)
	switch {
	case !d.options.NoRollback || replaced == "":
		return nil
	case isPaused(stack) && d.options.Force && d.options.Only == nil:
		return errRollBackFirst
	case isPaused(stack):
		status := string(stack.StackStatus)
		return errs.Failedf("stack %q is %s, and the change replaces %s, which CloudFormation does not do on a stack in this state", d.goal.Name, status, replaced).
			WithHint("%s", d.waysOut(status))
	}
	d.options.NoRollback = false
	d.notify(Event{Phase: Preparing, Text: fmt.Sprintf("the change replaces %s, which CloudFormation does only with rollback on failure", replaced)})
	return nil
}

// replacement gives the logical id of a resource that is replaced; "" is none.
func replacement(set *cloudformation.DescribeChangeSetOutput) string {
	for _, change := range set.Changes {
		if r := change.ResourceChange; r != nil && (r.Replacement == types.ReplacementTrue || strings.HasPrefix(string(r.PolicyAction), "ReplaceAnd")) {
			return aws.ToString(r.LogicalResourceId)
		}
	}
	return ""
}

// stillPaused is the error of a deployment that would leave a stack in the middle of a failed one.
func (d *deployment) stillPaused(stack *types.Stack) error {
	status := string(stack.StackStatus)
	return errs.Failedf("stack %q is %s, and the app brings no change that CloudFormation could go on with", d.goal.Name, status).WithHint("%s", d.waysOut(status))
}

// waysOut says what can be done about a stack whose operation was interrupted.
func (d *deployment) waysOut(status string) string {
	switch {
	case startOf(status) == startContinue:
		return "its rollback failed too: remove the cause and run `deployer rollback`, which goes on with it; --orphan and --force leave resources behind that cannot be rolled back"
	case d.options.NoRollback:
		return "roll it back with `deployer rollback`, or let this deployment do so first with --force"
	}
	return "roll it back with `deployer rollback`, let this deployment do so first with --rollback, or deploy onto it as it is with --no-rollback (onFailure: stop in the configuration)"
}

// whatNow adds to a failure that was not rolled back what can be done with the stack.
func whatNow(err error, stack types.Stack) error {
	known := new(errs.Error)
	if !isPaused(&stack) || !errors.As(err, &known) {
		return err
	}
	next := fmt.Sprintf("the stack stays in %s: fix the app and deploy again, or run `deployer rollback`", stack.StackStatus)
	if known.Hint != "" {
		next = known.Hint + "; " + next
	}
	return known.WithHint("%s", next)
}
