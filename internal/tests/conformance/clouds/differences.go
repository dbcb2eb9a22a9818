package clouds

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Differences names the places in which two states differ, such as
// "Stacks/111111111111/eu-west-1/Shop/Tags/team: blue, red", sorted. A value that
// one lacks is shown as "nothing".
func Differences(left, right State) []string { return compare("", plain(left), plain(right)) }

// plain is a state as maps and texts.
func plain(s State) any {
	var all any
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		panic(err) // maps and texts always encode
	}
	return all
}

func compare(path string, left, right any) (found []string) {
	a, oneIsMap := left.(map[string]any)
	b, otherIsMap := right.(map[string]any)
	if !oneIsMap || !otherIsMap {
		if reflect.DeepEqual(left, right) {
			return nil
		}
		return []string{fmt.Sprintf("%s: %s, %s", path, short(left), short(right))}
	}
	keys := maps.Clone(a)
	maps.Copy(keys, b)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		below := key
		if path != "" {
			below = path + "/" + key
		}
		found = append(found, compare(below, a[key], b[key])...)
	}
	return found
}

// short shows a value where there is little room.
func short(value any) string {
	if value == nil {
		return "nothing"
	}
	text := []rune(fmt.Sprint(value))
	if len(text) > 60 {
		return string(text[:60]) + "…"
	}
	return string(text)
}
