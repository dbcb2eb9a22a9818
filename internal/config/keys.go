package config

import (
	"cmp"
	"reflect"
	"strings"
)

// placeHint is the hint for a key that is not similar to any of its mapping: it
// may belong to another mapping.
func (r *report) placeHint(key string, t reflect.Type) string {
	switch {
	case key == "<<":
		return "merge keys are not allowed; write the keys out"
	case r.suggestions > suggestionLimit:
		return ""
	}
	if meant, places := placesOf(key, "", reflect.TypeFor[Config]()); len(places) > 0 {
		return meant + " belongs to " + strings.Join(places, " or ")
	}
	return "the keys here are " + strings.Join(keysOf(t), ", ")
}

// placesOf returns the mappings of the file that have the key, and its spelling
// there.
func placesOf(key, path string, t reflect.Type) (meant string, places []string) {
	for _, f := range fieldsOf(t) {
		if plain(f.key) == plain(key) {
			meant = f.key
			places = append(places, cmp.Or(path, "the top level"))
		}
		inner, suffix := elementOf(f.typ)
		if inner.Kind() == reflect.Struct {
			deeper, more := placesOf(key, join(path, f.key)+suffix, inner)
			meant, places = cmp.Or(meant, deeper), append(places, more...)
		}
	}
	return meant, places
}

// elementOf returns the type of a key's value, or of each entry of it, with the
// suffix of a list for its path.
func elementOf(t reflect.Type) (element reflect.Type, suffix string) {
	switch t.Kind() {
	case reflect.Pointer:
		return elementOf(t.Elem())
	case reflect.Slice:
		return t.Elem(), "[]"
	case reflect.Map:
		if ofMappings(t) {
			return t.Elem(), ".<name>"
		}
	}
	return t, ""
}
