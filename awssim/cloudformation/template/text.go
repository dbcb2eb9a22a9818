package template

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Text writes a scalar as CloudFormation does where it needs a string; false
// for lists, maps and nothing.
func Text(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
