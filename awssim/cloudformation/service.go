package cloudformation

import (
	"context"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Service serves the CloudFormation API of the engine.
func (e *Engine) Service() wire.Service {
	handlers := map[string]wire.Handler{}
	for name := range operations {
		handlers[name] = e.serve
	}
	return wire.Service{
		Name: "cloudformation", Protocol: wire.Query, Namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/", Operations: handlers,
	}
}

// serve performs a call if its caller may.
func (e *Engine) serve(ctx context.Context, call *wire.Call) (any, error) {
	question := policy.Question{Action: "cloudformation:" + call.Operation, Resource: stackARN(call)}
	if role := call.Form.Get("RoleARN"); role != "" {
		question.Keys = policy.Keys{"cloudformation:RoleArn": {role}}
	}
	if err := call.Guard(question); err != nil {
		return nil, err
	}
	return e.answer(ctx, Request{
		Scope:  Scope{Account: call.Caller.Account, Region: call.Region, Partition: call.Partition()},
		Caller: call.Caller.ARN, Operation: call.Operation, Form: call.Form,
	})
}

// stackARN is the resource of a call: the stack it names.
func stackARN(call *wire.Call) string {
	for _, name := range []string{"StackName", "ChangeSetName"} {
		value := call.Form.Get(name)
		switch {
		case strings.HasPrefix(value, "arn:"):
			return value
		case value != "" && name == "StackName":
			return call.ARN("cloudformation", "stack/"+value+"/*")
		}
	}
	return "*"
}
