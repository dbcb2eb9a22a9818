package wire

import (
	"context"
	"encoding/json"
	"fmt"
)

// Handler runs one operation and returns its result: a struct for the
// protocol's encoder, or nil.
type Handler func(context.Context, *Call) (any, error)

// Service is a set of operations in one protocol.
type Service struct {
	Name       string // as in the credential scope
	Protocol   Protocol
	Operations map[string]Handler
}

// Run finds the operation and runs it.
func (s Service) Run(ctx context.Context, call *Call) (any, error) {
	handler, ok := s.Operations[call.Operation]
	if !ok {
		return nil, Unknown(call.Service, call.Operation)
	}
	return handler(ctx, call)
}

// Unknown is the answer to an operation that nobody wrote.
func Unknown(service, operation string) *Error {
	return Commonf(UnknownOperation, "the simulator does not know %s:%s", service, operation)
}

// Typed makes a handler of a function whose input is a JSON document.
func Typed[In any](run func(*Call, In) (any, error)) Handler {
	return func(_ context.Context, call *Call) (any, error) {
		var in In
		if len(call.Body) > 0 {
			if err := json.Unmarshal(call.Body, &in); err != nil {
				return nil, &Error{Code: "SerializationException", Message: fmt.Sprintf("reading the input of %s: %v", call.Operation, err), Status: 400}
			}
		}
		return run(call, in)
	}
}

// Plain makes a handler of a function that reads the form itself.
func Plain(run func(*Call) (any, error)) Handler {
	return func(_ context.Context, call *Call) (any, error) { return run(call) }
}
