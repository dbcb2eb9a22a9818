package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Handler runs one operation and returns its result: a struct for the
// protocol's encoder, or nil.
type Handler func(context.Context, *Call) (any, error)

// Service is a set of operations in one protocol.
type Service struct {
	Name        string // as in the credential scope
	Protocol    Protocol
	Namespace   string                     // of the XML protocols' answers
	OperationOf func(*http.Request) string // names the operation of a request of the REST protocols
	Operations  map[string]Handler
}

// Run finds the operation, runs it and renders its result.
func (s Service) Run(ctx context.Context, call *Call) (Reply, error) {
	handler, ok := s.Operations[call.Operation]
	if !ok {
		return Reply{}, Unknown(call.Service, call.Operation)
	}
	result, err := handler(ctx, call)
	if err != nil {
		return Reply{}, err
	}
	return s.success(call, result)
}

// Unknown is the response to an unsupported operation.
func Unknown(service, operation string) *Error {
	return Commonf(UnknownOperation, "the simulator does not support %s:%s", service, operation)
}

// Typed makes a handler of a function whose input is a JSON document. Members
// that the input does not have are refused by name, so that none is ignored
// silently.
func Typed[In any](run func(*Call, In) (any, error)) Handler {
	return func(_ context.Context, call *Call) (any, error) {
		var in In
		if len(call.Body) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(call.Body))
			decoder.DisallowUnknownFields()
			err := decoder.Decode(&in)
			if err == nil && decoder.More() {
				err = errors.New("there is more behind the document")
			}
			if err != nil {
				return nil, unreadable(call, err)
			}
		}
		return run(call, in)
	}
}

func unreadable(call *Call, err error) error {
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return Commonf(ValidationFailed, "the simulator does not support the member %s of %s:%s", name, call.Service, call.Operation)
	}
	return Errorf("SerializationException", "reading the input of %s: %v", call.Operation, err)
}

// Plain makes a handler of a function that reads the form itself, with the names of the
// parameters that it supports: A.B is the member B of the items of A. All others are refused
// by name, so that none is ignored silently.
func Plain(run func(*Call) (any, error), supported ...string) Handler {
	return func(_ context.Context, call *Call) (any, error) {
		for _, name := range slices.Sorted(maps.Keys(call.Form)) {
			if name != "Action" && name != "Version" && !supports(supported, withoutNumbers(name)) {
				return nil, Commonf(ValidationFailed, "the simulator does not support %s of %s:%s", name, call.Service, call.Operation)
			}
		}
		return run(call)
	}
}

// numbers are the places in lists within the name of a parameter: Tags.member.1.Key, Filter.1.Value.2.
var numbers = regexp.MustCompile(`(\.member)?\.[0-9]+`)

func withoutNumbers(name string) string { return numbers.ReplaceAllString(name, "") }

// supports reports whether a parameter is supported. An empty list comes as its name alone.
func supports(supported []string, name string) bool {
	return slices.ContainsFunc(supported, func(one string) bool { return one == name || strings.HasPrefix(one, name+".") })
}
