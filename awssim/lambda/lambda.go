// Package lambda simulates the configuration of the functions that stacks have deployed. No
// function runs.
package lambda

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Functions answers from what is deployed.
type Functions struct{ Deployed inventory.Source }

const functions = "/2015-03-31/functions/"

// Service is Lambda.
func (f Functions) Service() wire.Service {
	return wire.Service{Name: "lambda", Protocol: wire.RestJSON, OperationOf: operationOf, Operations: map[string]wire.Handler{
		"GetFunctionConfiguration": wire.Plain(f.configuration),
	}}
}

func operationOf(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, functions) && strings.HasSuffix(r.URL.Path, "/configuration") && r.Method == http.MethodGet {
		return "GetFunctionConfiguration"
	}
	return r.Method + " " + r.URL.Path
}

// nameOf returns the name of a function that a path names, by its name or its ARN.
func nameOf(path string) string {
	given := strings.TrimSuffix(strings.TrimPrefix(path, functions), "/configuration")
	if name, err := url.PathUnescape(given); err == nil {
		given = name
	}
	if _, name, isARN := strings.Cut(given, ":function:"); isARN {
		given, _, _ = strings.Cut(name, ":")
	}
	return given
}

func (f Functions) configuration(call *wire.Call) (any, error) {
	name := nameOf(call.HTTP.URL.Path)
	arn := call.ARN("lambda", "function:"+name)
	if err := call.Permit("lambda:GetFunctionConfiguration", arn); err != nil {
		return nil, err
	}
	for _, r := range f.Deployed(call.Caller.Account, call.Region, "AWS::Lambda::Function") {
		if r.ID != name {
			continue
		}
		logging, _ := r.Properties["LoggingConfig"].(map[string]any)
		group, _ := logging["LogGroup"].(string)
		if group == "" {
			group = "/aws/lambda/" + name
		}
		text, err := json.Marshal(map[string]any{
			"FunctionName": name, "FunctionArn": arn, "State": "Active", "Handler": r.Text("Handler"), "Runtime": r.Text("Runtime"), "Role": r.Text("Role"),
			"LoggingConfig": map[string]any{"LogFormat": "Text", "LogGroup": group},
		})
		return &wire.Answer{Header: http.Header{"Content-Type": {"application/json"}}, Text: string(text)}, err
	}
	return nil, wire.Errorf("ResourceNotFoundException", "Function not found: %s", arn).WithStatus(http.StatusNotFound)
}
