// Command wasm renders a pipeline for the construct: it reads a Request as JSON from
// stdin and writes an Answer as JSON to stdout. It calls neither AWS nor a cluster.
//
// The npm package has it compiled to WebAssembly (WASI), so that the construct renders
// what generator renders, in every language of jsii.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run answers one request. Its error is one of the caller: a mistake in a configuration
// is an Answer.
func run(in io.Reader, out io.Writer) error {
	var request Request
	if err := json.NewDecoder(in).Decode(&request); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	answer, err := Render(request)
	if err != nil {
		answer = refusal(err)
	}
	if err := json.NewEncoder(out).Encode(answer); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}
