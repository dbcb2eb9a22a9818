package cfn

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// ReadOutputs gives the outputs of a deployed stack by their keys, and whether
// there is such a stack.
func ReadOutputs(ctx context.Context, api API, stack string) (outputs map[string]string, found bool, err error) {
	answer, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if isMissing(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("looking at stack %q: %w", stack, err)
	}
	outputs = map[string]string{}
	for _, described := range answer.Stacks {
		for _, output := range described.Outputs {
			outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
	}
	return outputs, len(answer.Stacks) > 0, nil
}
