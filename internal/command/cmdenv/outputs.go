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

// place says which output is meant.
type place struct{ stack, key string }

func (p place) String() string { return p.stack + "." + p.key }

func (o Outputs) value(p place) string { return o[p.stack][p.key].Value }

// byVariable gives the outputs that each variable would have.
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

// collide says whether outputs of one variable have different values.
func (o Outputs) collide(places []place) bool {
	for _, p := range places[1:] {
		if o.value(p) != o.value(places[0]) {
			return true
		}
	}
	return false
}

// Collisions says in one sentence each which variables are not set, because
// several outputs would have them.
func (o Outputs) Collisions() (lines []string) {
	all := o.byVariable()
	for _, name := range names(all) {
		if o.collide(all[name]) {
			lines = append(lines, fmt.Sprintf("the variable %s is not set, as it would be each of the outputs %s; read them from the file that STACK_OUTPUTS names", name, joined(all[name])))
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
