package config

import (
	"reflect"
	"strings"
)

// placeHint helps with a key that is like none of its mapping's: it belongs
// elsewhere, or nowhere.
func (r *report) placeHint(key string, t reflect.Type) string {
	switch {
	case key == "<<":
		return "merge keys are not allowed; write the keys out"
	case r.suggestions > suggestionLimit:
		return ""
	}
	if places := placesOf(key, "", reflect.TypeFor[Config]()); len(places) > 0 {
		return key + " belongs to " + strings.Join(places, " or ")
	}
	return "the keys here are " + strings.Join(keysOf(t), ", ")
}

// placesOf names the mappings of the file that have the key.
func placesOf(key, path string, t reflect.Type) []string {
	var places []string
	for _, f := range fieldsOf(t) {
		if f.key == key && path == "" {
			places = append(places, "the top level")
		} else if f.key == key {
			places = append(places, path)
		}
		inner, suffix := elementOf(f.typ)
		if inner.Kind() == reflect.Struct {
			places = append(places, placesOf(key, join(path, f.key)+suffix, inner)...)
		}
	}
	return places
}

// elementOf gives the type that a key's value, or each entry of it, has, with
// the mark of a list for its path.
func elementOf(t reflect.Type) (element reflect.Type, suffix string) {
	switch t.Kind() {
	case reflect.Pointer:
		return elementOf(t.Elem())
	case reflect.Slice:
		return t.Elem(), "[]"
	}
	return t, ""
}
