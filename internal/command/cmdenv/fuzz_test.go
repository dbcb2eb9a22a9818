package cmdenv_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aphex/aphex-pipeline/internal/command/cmdenv"
)

// FuzzOutputs holds that every outputs file is read or an error, that it is the same when
// it is written again, and that the outputs that share a variable are on one line each.
func FuzzOutputs(f *testing.F) {
	f.Add([]byte(`{"Api":{"Url":"u"}}`))
	f.Add([]byte(`{"Api":{"Url":{"value":"u","description":"d","exportName":"e"}},"B":null}`))
	f.Add([]byte(`{"A":{"b-c":"1","b.c":"2"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		outputs, err := cmdenv.Parse(data)
		if err != nil {
			return
		}
		values, err := json.Marshal(outputs.Values())
		if err != nil {
			t.Fatal(err)
		}
		again, err := cmdenv.Parse(values)
		if err != nil || len(again) != len(outputs) {
			t.Errorf("%q is written as %q: %v", data, values, err)
		}
		for _, line := range outputs.Collisions() {
			if strings.Contains(line, "\n") {
				t.Errorf("%q", line)
			}
		}
	})
}
