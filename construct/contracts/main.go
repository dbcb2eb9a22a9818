// Command contracts writes the contracts of the stages as JSON to stdout, for the Request
// of construct/wasm. The stages start processes, so they cannot be compiled to WASI.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/aphex/aphex-pipeline/stages"
)

func main() {
	if err := json.NewEncoder(os.Stdout).Encode(stages.Contracts()); err != nil {
		fmt.Fprintln(os.Stderr, "writing the contracts of the stages:", err)
		os.Exit(1)
	}
}
