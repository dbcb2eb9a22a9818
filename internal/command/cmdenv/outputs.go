package cmdenv

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// Output is one output of a deployed stack.
type Output struct {
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	ExportName  string `json:"exportName,omitempty"`
}

// Outputs are the outputs of the stacks of an environment: stack → key → output.
type Outputs map[string]map[string]Output

// Values returns the values only: stack → key → value, as in the CDK's outputs file.
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

// FromValues makes outputs without descriptions and export names.
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

// Parse reads either form: the values alone, or with description and export name.
func Parse(data []byte) (Outputs, error) {
	var values map[string]map[string]string
	if json.Unmarshal(data, &values) == nil {
		return FromValues(values), nil
	}
	var outputs Outputs
	err := json.Unmarshal(data, &outputs)
	return outputs, err
}

// names returns the stacks, or the keys of one, in order.
func names[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for name := range m {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

// place identifies an output.
type place struct{ stack, key string }

func (p place) String() string { return p.stack + "." + p.key }

func (o Outputs) value(p place) string { return o[p.stack][p.key].Value }

// byVariable returns the outputs by the variable that each would have.
func (o Outputs) byVariable() map[string][]place {
	all := map[string][]place{}
	for _, stack := range names(o) {
		for _, key := range names(o[stack]) {
			name := variable(stack, key)
			all[name] = append(all[name], place{stack, key})
		}
	}
	return all
}

// collide reports whether outputs of one variable have different values.
func (o Outputs) collide(places []place) bool {
	for _, p := range places[1:] {
		if o.value(p) != o.value(places[0]) {
			return true
		}
	}
	return false
}

// Collisions returns one sentence for each variable that is not set because outputs with
// different values share it.
func (o Outputs) Collisions() (lines []string) {
	all := o.byVariable()
	for _, name := range names(all) {
		if o.collide(all[name]) {
			lines = append(lines, fmt.Sprintf("the variable %s is not set because the outputs %s share it; read them from the file of STACK_OUTPUTS", name, joined(all[name])))
		}
	}
	return lines
}

func joined(places []place) string {
	texts := make([]string, 0, len(places))
	for _, p := range places {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, " and ")
}
