package surroundings

import (
	"encoding/json"
	"sort"
)

// Output is one output of a deployed stack.
type Output struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	ExportName  string `json:"exportName,omitempty"`
}

// Outputs are the outputs of an environment's stacks: stack → key → output.
type Outputs map[string]map[string]Output

// Values drops all but the values: stack → key → value, the shape that the
// CDK's outputs file has.
func (o Outputs) Values() map[string]map[string]string {
	values := make(map[string]map[string]string, len(o))
	for stack, outputs := range o {
		values[stack] = make(map[string]string, len(outputs))
		for key, output := range outputs {
			values[stack][key] = output.Value
		}
	}
	return values
}

// FromValues makes outputs of which only the values are known.
func FromValues(values map[string]map[string]string) Outputs {
	outputs := make(Outputs, len(values))
	for stack, keys := range values {
		outputs[stack] = make(map[string]Output, len(keys))
		for key, value := range keys {
			outputs[stack][key] = Output{Value: value}
		}
	}
	return outputs
}

// Parse reads either shape: the values alone, or with description and export name.
func Parse(data []byte) (Outputs, error) {
	var values map[string]map[string]string
	if json.Unmarshal(data, &values) == nil {
		return FromValues(values), nil
	}
	var outputs Outputs
	err := json.Unmarshal(data, &outputs)
	return outputs, err
}

// names gives the stacks, or the keys of one, in order.
func names[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for name := range m {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}
