package diff

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// Change is one property that differs between two templates.
type Change struct {
	Path   string `json:"path"`             // such as "RedrivePolicy.maxReceiveCount" or "Tags[0].Value"
	Before string `json:"before,omitempty"` // "" if it is added
	After  string `json:"after,omitempty"`  // "" if it is removed
}

// Properties returns the properties that differ between two states of a resource,
// sorted by path.
func Properties(before, after Resource) []Change {
	var changes []Change
	compare(&changes, "", nilIfEmpty(before.Properties), nilIfEmpty(after.Properties))
	return changes
}

// Policies returns the policies that differ between two states of a resource: what becomes of
// it when it leaves its stack, or is replaced.
func Policies(before, after Resource) []Change {
	var changes []Change
	compare(&changes, "DeletionPolicy", before.DeletionPolicy, after.DeletionPolicy)
	compare(&changes, "UpdateReplacePolicy", before.UpdateReplacePolicy, after.UpdateReplacePolicy)
	return changes
}

func nilIfEmpty(properties map[string]any) any {
	if properties == nil {
		return map[string]any{}
	}
	return properties
}

func compare(changes *[]Change, path string, before, after any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	left, isMap := before.(map[string]any)
	right, alsoMap := after.(map[string]any)
	if isMap && alsoMap && !isFunction(left) && !isFunction(right) {
		keys := map[string]any{}
		maps.Copy(keys, left)
		maps.Copy(keys, right)
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			compare(changes, below(path, key), left[key], right[key])
		}
		return
	}
	one, isList := before.([]any)
	other, alsoList := after.([]any)
	if isList && alsoList && len(one) == len(other) {
		for i := range one {
			compare(changes, path+"["+strconv.Itoa(i)+"]", one[i], other[i])
		}
		return
	}
	*changes = append(*changes, Change{Path: path, Before: format(before), After: format(after)})
}

// isFunction reports whether a value is a call such as {"Ref": "Queue"}.
func isFunction(v map[string]any) bool {
	for key := range v {
		return len(v) == 1 && (key == "Ref" || len(key) > 4 && key[:4] == "Fn::")
	}
	return false
}

func below(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
