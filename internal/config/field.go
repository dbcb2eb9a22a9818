package config

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// field is one key of the file, as declared by the tags of a struct field:
//
//	json     the key
//	need     "always", "cluster" if only a pipeline on a cluster requires it, or "top" if the
//	         same key of the top level replaces it
//	default  default value; commas separate a list's entries
//	derived  description of a default that depends on other values
//	follows  key that the default is derived from
//	rule     name of its rule; for a list, that of its entries
//	oneof    allowed values
//	min      smallest allowed number
//	keys     rule of the keys of a mapping with custom keys
//	also     key that a plain text entry is short for
//	empty    "allowed" if an empty list or text has a meaning
//	example  a value in YAML, for the reference
type field struct {
	name    string // of the Go field
	index   int    // of the Go field
	typ     reflect.Type
	key     string
	need    string
	initial string
	derived string
	follows string
	rule    string
	oneof   []string
	min     string
	keys    string
	also    string
	empty   bool
	example string
	section string // of the reference page, which begins with this key
}

var fieldCache sync.Map // reflect.Type → []field

// fieldsOf returns the keys of a struct type in the order of their declaration.
func fieldsOf(t reflect.Type) []field {
	if known, found := fieldCache.Load(t); found {
		return known.([]field)
	}
	fields := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			fields = append(fields, fieldOf(i, t.Field(i)))
		}
	}
	fieldCache.Store(t, fields)
	return fields
}

func fieldOf(index int, f reflect.StructField) field {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return field{
		name: f.Name, index: index, typ: f.Type, key: key,
		need:    f.Tag.Get("need"),
		initial: f.Tag.Get("default"),
		derived: f.Tag.Get("derived"),
		follows: f.Tag.Get("follows"),
		rule:    f.Tag.Get("rule"),
		oneof:   splitList(f.Tag.Get("oneof")),
		min:     f.Tag.Get("min"),
		keys:    f.Tag.Get("keys"),
		also:    f.Tag.Get("also"),
		empty:   f.Tag.Get("empty") == "allowed",
		example: f.Tag.Get("example"),
		section: f.Tag.Get("section"),
	}
}

// fill sets every key of the struct, and of structs in it, to its default.
func fill(target reflect.Value) {
	for _, f := range fieldsOf(target.Type()) {
		value := target.Field(f.index)
		switch {
		case value.Kind() == reflect.Struct:
			fill(value)
		case f.initial == "":
		case value.Kind() == reflect.String:
			value.SetString(f.initial)
		case value.Kind() == reflect.Int:
			number, _ := strconv.Atoi(f.initial)
			value.SetInt(int64(number))
		case value.Kind() == reflect.Bool:
			value.SetBool(f.initial == "true")
		case value.Kind() == reflect.Slice:
			value.Set(reflect.ValueOf(splitList(f.initial)))
		}
	}
}

// removable reports whether a file without the key is as if its value were the default.
func (f field) removable() bool { return f.need != "always" && f.need != "top" }

// emptyText reports whether the key allows an empty text, and not only an empty list.
func (f field) emptyText() bool { return f.empty && f.typ.Kind() == reflect.String }

func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		keys = append(keys, f.key)
	}
	return keys
}

func splitList(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ",")
}
