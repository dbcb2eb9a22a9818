package cfn

import (
	"fmt"
	"strings"
)

// summary describes the result, such as "updated: termination protection turned on".
func (r Result) summary() string {
	if r.Action != Updated || len(r.Changes) > 0 {
		return string(r.Action)
	}
	return string(r.Action) + suffix(": ", r.Touched())
}

// Touched describes the changes of a deployment: the number of resources, and
// the termination protection.
func (r Result) Touched() string {
	var words []string
	if resources := Count(r.Changes); resources != "" {
		words = append(words, resources)
	}
	switch {
	case r.Protect == nil:
	case *r.Protect:
		words = append(words, "termination protection turned on")
	default:
		words = append(words, "termination protection turned off")
	}
	return strings.Join(words, ", ")
}

// Count describes the number of changed resources, such as "3 to add, 1 to replace".
func Count(changes []Change) string {
	counts := map[string]int{}
	for _, change := range changes {
		verb := strings.ToLower(change.Action)
		if change.Action == "Modify" && change.Replacement == "True" {
			verb = "replace"
		}
		counts[verb]++
	}
	var words []string
	for _, verb := range []string{"add", "import", "modify", "replace", "remove", "dynamic"} {
		if counts[verb] > 0 {
			words = append(words, fmt.Sprintf("%d to %s", counts[verb], verb))
		}
	}
	return strings.Join(words, ", ")
}
