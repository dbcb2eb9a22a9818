package cfn

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// Find returns a stack by name or ARN; nil is no stack.
func Find(ctx context.Context, api API, stack string) (*types.Stack, error) {
	answer, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	return found(answer, err, stack)
}

// found returns the stack of a response; nil is no stack.
func found(answer *cloudformation.DescribeStacksOutput, err error, stack string) (*types.Stack, error) {
	switch {
	case isMissing(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("describing stack %q: %w", stack, err)
	case len(answer.Stacks) == 0:
		return nil, nil
	}
	return &answer.Stacks[0], nil
}

// ReadOutputs returns the outputs of a stack by their keys, and whether the stack
// exists.
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
