package cloudformation

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// outputOf is Fn::GetStackOutput: an output of another stack, read with the
// rights of the actor. The stack is of the account of the role, where one is
// given. The caller holds the lock.
func (e *Engine) outputOf(scope Scope, actor string, o template.StackOutput) (any, error) {
	if o.Region != "" {
		scope.Region = o.Region
	}
	if o.RoleARN != "" {
		role, err := arn.Parse(o.RoleARN)
		if err != nil || role.Service != "iam" {
			return nil, fmt.Errorf("Template error: the RoleArn %s of Fn::GetStackOutput is not the ARN of a role", o.RoleARN)
		}
		scope.Account = role.AccountID
	}
	s := e.find(scope, o.StackName)
	id := arnOf(scope, "stack", o.StackName, "*")
	if s != nil {
		id = s.ID
	}
	if err := e.host.CheckRead(actor, o.RoleARN, scope, id); err != nil {
		return nil, err
	}
	if s == nil || !s.live() {
		return nil, fmt.Errorf(absentID, o.StackName)
	}
	i := slices.IndexFunc(s.Outputs, func(have output) bool { return have.Key == o.OutputName })
	if i < 0 {
		return nil, fmt.Errorf("Template error: output %s not found in stack %s", o.OutputName, o.StackName)
	}
	return s.Outputs[i].Value, nil
}
