package awssim

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// runStacks hands a CloudFormation call to the engine, if the caller may.
func (s *Server) runStacks(w http.ResponseWriter, v *visit) error {
	call := v.call
	if err := call.Guard(policy.Question{Action: "cloudformation:" + call.Operation, Resource: stackARN(call)}); err != nil {
		return err
	}
	response, err := s.stacks.Call(context.WithoutCancel(v.r.Context()), cloudformation.Request{
		Scope:  cloudformation.Scope{Account: call.Caller.Account, Region: call.Region, Partition: call.Partition()},
		Caller: call.Caller.ARN, Operation: call.Operation, Form: call.Form,
	})
	if err != nil {
		return stackError(call, err)
	}
	reply := wire.Reply{Status: http.StatusOK, Type: "text/xml", Body: response.XML(call.RequestID)}
	reply.Write(w, call.RequestID)
	return nil
}

func stackError(call *wire.Call, err error) error {
	var refused *cloudformation.Error
	if !errors.As(err, &refused) {
		return err
	}
	if refused.Code == "InvalidAction" {
		return wire.Unknown(call.Service, call.Operation)
	}
	return wire.Errorf(refused.Code, "%s", refused.Message).WithStatus(refused.Status)
}

// stackARN is the resource of a CloudFormation call: the stack it names.
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
