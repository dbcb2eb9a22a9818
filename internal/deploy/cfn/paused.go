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

// errRollBackFirst is the error for a change that cannot be deployed onto an
// interrupted stack that may be rolled back.
var errRollBackFirst = errors.New("the stack must be rolled back first")

// isPaused reports whether an operation of the stack failed and was not rolled back.
func isPaused(stack *types.Stack) bool {
	return stack != nil && startOf(string(stack.StackStatus)) == startRollback
}

// isUpdate reports whether a change set of the stack is an update.
func isUpdate(stack *types.Stack) bool {
	return isPaused(stack) || stack != nil && startOf(string(stack.StackStatus)) == startUpdate
}

// checkReplacement checks for replaced resources, which CloudFormation does not
// support with rollback disabled. Such a change is deployed with rollback; onto an
// interrupted stack it cannot be deployed at all.
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
			WithHint("%s", d.recoveryHint(status))
	}
	d.options.NoRollback = false
	d.notify(Event{Phase: Preparing, Text: fmt.Sprintf("the change replaces %s, which CloudFormation does only with rollback on failure", replaced)})
	return nil
}

// replacement returns the logical id of a resource that is replaced; "" is none.
func replacement(set *cloudformation.DescribeChangeSetOutput) string {
	for _, change := range set.Changes {
		if r := change.ResourceChange; r != nil && (r.Replacement == types.ReplacementTrue || strings.HasPrefix(string(r.PolicyAction), "ReplaceAnd")) {
			return aws.ToString(r.LogicalResourceId)
		}
	}
	return ""
}

// stillPaused is the error for an interrupted stack without a change to deploy.
func (d *deployment) stillPaused(stack *types.Stack) error {
	status := string(stack.StackStatus)
	return errs.Failedf("stack %q is %s, and the app has no change to deploy", d.goal.Name, status).WithHint("%s", d.recoveryHint(status))
}

// recoveryHint is the hint for an interrupted stack.
func (d *deployment) recoveryHint(status string) string {
	switch {
	case startOf(status) == startContinue:
		return "its rollback failed too: remove the cause and run `deployer rollback`, which continues it; --orphan and --force skip resources that cannot be rolled back"
	case d.options.NoRollback:
		return "roll it back with `deployer rollback`, or let this deployment do so first with --force"
	}
	return "roll it back with `deployer rollback`, let this deployment do so first with --rollback, or deploy without rolling back with --no-rollback (onFailure: stop in the configuration)"
}

// withRecoveryHint adds a recovery hint to a failure that was not rolled back.
func withRecoveryHint(err error, stack types.Stack) error {
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
