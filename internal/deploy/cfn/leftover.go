package cfn

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// leftover finds a change set with our name.
func (d *deployment) leftover(ctx context.Context, stack *types.Stack) (*cloudformation.DescribeChangeSetOutput, error) {
	found, err := call(ctx, d.counted, d.api.DescribeChangeSet, &cloudformation.DescribeChangeSetInput{
		StackName: stack.StackId, ChangeSetName: aws.String(changeSetName),
	})
	if isGone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a leftover change set of stack %q: %w", d.goal.Name, err)
	}
	return found, nil
}

// again returns the change set that an earlier attempt of this run made, which CloudFormation
// knows by the token of the call: a change set of the same name and description that anybody
// else made is not executed. It returns nil if there is none.
func (d *deployment) again(ctx context.Context, stack *types.Stack, send []types.Parameter) (*cloudformation.DescribeChangeSetOutput, error) {
	input, err := d.changeSetInput(ctx, stack, send, "")
	if err != nil {
		return nil, fmt.Errorf("creating the change set of stack %q: %w", d.goal.Name, err)
	}
	d.requested = true
	made, err := call(ctx, d.counted, d.api.CreateChangeSet, input)
	var exists *types.AlreadyExistsException
	if errors.As(err, &exists) {
		return nil, nil
	}
	if err != nil {
		return nil, awsError(fmt.Sprintf("creating the change set of stack %q", d.goal.Name), err)
	}
	set, err := d.settle(ctx, aws.ToString(made.StackId), aws.ToString(made.Id))
	if errors.Is(err, errGone) {
		return nil, nil
	}
	return set, err
}

// isReusable reports whether a leftover change set has the same goal and can still be executed.
func (d *deployment) isReusable(left *cloudformation.DescribeChangeSetOutput) bool {
	if aws.ToString(left.Description) != d.description() || d.options.Force || d.options.Fresh {
		return false
	}
	switch left.Status {
	case types.ChangeSetStatusCreatePending, types.ChangeSetStatusCreateInProgress:
		return true
	case types.ChangeSetStatusCreateComplete:
		return left.ExecutionStatus == types.ExecutionStatusAvailable
	}
	return false
}
