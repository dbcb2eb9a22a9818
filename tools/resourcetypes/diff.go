package main

import (
	"encoding/json"
	"maps"
	"slices"
)

// kind is a type as internal/deploy/diff reads it: the properties whose change replaces a resource, and whether it
// keeps data.
type kind struct {
	Replace    []string `json:"replace,omitempty"`
	MayReplace []string `json:"mayReplace,omitempty"`
	Stateful   bool     `json:"stateful,omitempty"`
}

// kinds are the types of which something is to be known, sorted by name.
func (db *database) kinds() ([]byte, error) {
	all := map[string]kind{}
	for _, r := range db.Schema.Resource.Entities {
		k := kind{Stateful: r.IsStateful}
		k.Replace, k.MayReplace = r.replacing()
		if k.Stateful || k.Replace != nil || k.MayReplace != nil {
			all[r.Type] = k
		}
	}
	return json.Marshal(all)
}

// replacing returns the properties whose change replaces the resource, or may replace it.
func (r resource) replacing() (always, maybe []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		switch r.Properties[name].CausesReplacement {
		case "yes":
			always = append(always, name)
		case "maybe":
			maybe = append(maybe, name)
		}
	}
	return always, maybe
}
