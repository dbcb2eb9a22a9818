package cfn

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Find gives a stack by name or ARN; nil is no stack.
func Find(ctx context.Context, api API, stack string) (*types.Stack, error) {
	answer, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	return found(answer, err, stack)
}

// found takes the stack out of an answer; nil is no stack.
func found(answer *cloudformation.DescribeStacksOutput, err error, stack string) (*types.Stack, error) {
	switch {
	case isMissing(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("looking at stack %q: %w", stack, err)
	case len(answer.Stacks) == 0:
		return nil, nil
	}
	return &answer.Stacks[0], nil
}

// ReadOutputs gives the outputs of a deployed stack by their keys, and whether
// there is such a stack.
func ReadOutputs(ctx context.Context, api API, stack string) (outputs map[string]string, there bool, err error) {
	described, err := Find(ctx, api, stack)
	if err != nil || described == nil {
		return nil, false, err
	}
	outputs = map[string]string{}
	for _, output := range described.Outputs {
		outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return outputs, true, nil
}
