package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// decoder decodes YAML nodes into Go values, and reports a problem for each invalid
// one. It keeps valid values, so that later checks find as much as possible.
type decoder struct{ report *report }

// value decodes a node into a field of the configuration. The field describes the
// value, or the entries of a list.
func (d *decoder) value(node *yaml.Node, path string, f field, target reflect.Value) {
	d.report.nodes[path] = node
	switch {
	case node.Kind == yaml.AliasNode: // reported already
	case target.Kind() == reflect.Pointer:
		target.Set(reflect.New(target.Type().Elem()))
		d.value(node, path, f, target.Elem())
	case node.Kind == yaml.ScalarNode && node.Tag == nullTag:
		d.wrong(node, path, f, target.Type())
	case target.Kind() == reflect.Map:
		d.values(node, path, f, target)
	case target.Kind() == reflect.Struct:
		d.mapping(node, path, f, target)
	case target.Kind() == reflect.Slice:
		d.list(node, path, f, target)
	default:
		d.scalar(node, path, f, target)
	}
}

func (d *decoder) mapping(node *yaml.Node, path string, f field, target reflect.Value) {
	if node.Kind == yaml.ScalarNode && f.also != "" {
		d.shorthand(node, path, f, target)
		return
	}
	if node.Kind != yaml.MappingNode {
		d.wrong(node, path, f, target.Type())
		return
	}
	fill(target)
	seen, misspelt := map[string]*yaml.Node{}, map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if meant := d.entry(node.Content[i], node.Content[i+1], path, seen, target); meant != "" {
			misspelt[meant] = true
		}
	}
	for _, f := range fieldsOf(target.Type()) {
		if seen[f.key] == nil && f.need == "always" && !misspelt[f.key] {
			d.missing(node, path, f)
		}
	}
}

// entry decodes one key with its value. For an unknown key it returns the nearest
// known one, which then does not count as missing.
func (d *decoder) entry(key, value *yaml.Node, path string, seen map[string]*yaml.Node, target reflect.Value) (meant string) {
	if key.Kind != yaml.ScalarNode {
		d.report.at(key, path, "a key must be a text")
		return ""
	}
	f, known := lookup(target.Type(), key.Value)
	switch first := seen[key.Value]; {
	case !known:
		return d.unknown(key, path, target.Type())
	case first != nil:
		d.report.at(key, join(path, key.Value), "duplicate key %q: it was given in line %d already", key.Value, first.Line)
	default:
		seen[key.Value] = key
		d.value(value, join(path, key.Value), f, target.Field(f.index))
	}
	return ""
}

func (d *decoder) unknown(key *yaml.Node, path string, t reflect.Type) (meant string) {
	problem := d.report.at(key, join(path, shorten(key.Value)), "unknown key %s", quote(key.Value))
	meant = d.report.nearest(key.Value, keysOf(t))
	problem.Hint = didYouMean(meant)
	if meant == "" {
		problem.Hint = d.report.placeHint(key.Value, t)
	}
	return meant
}

// shorthand decodes a plain text into the key of a struct that it is short for.
func (d *decoder) shorthand(node *yaml.Node, path string, f field, target reflect.Value) {
	inner, _ := lookup(target.Type(), f.also)
	d.scalar(node, path, inner, target.Field(inner.index))
}

func (d *decoder) list(node *yaml.Node, path string, f field, target reflect.Value) {
	if node.Kind != yaml.SequenceNode {
		d.wrong(node, path, f, target.Type())
		return
	}
	if len(node.Content) == 0 && !f.empty {
		problem := d.report.at(node, path, "%s is empty: expected %s", lastOf(path), describe(target.Type(), f))
		if f.removable() {
			problem.Hint = "remove the key if there is nothing to list"
		}
	}
	target.Set(reflect.MakeSlice(target.Type(), len(node.Content), len(node.Content)))
	for i, child := range node.Content {
		d.value(child, path+"["+strconv.Itoa(i)+"]", f, target.Index(i))
	}
}

func (d *decoder) missing(node *yaml.Node, path string, f field) {
	d.report.keep(Problem{
		Line: node.Line, Column: node.Column, width: 1, Path: join(path, f.key),
		Message: fmt.Sprintf("%s has no %s: expected %s", whole(path), f.key, describe(f.typ, f)),
		Hint:    exampleOf(f),
	})
}

// wrong reports a value of the wrong kind.
func (d *decoder) wrong(node *yaml.Node, path string, f field, t reflect.Type) {
	hint := ""
	switch {
	case t.Kind() == reflect.Slice && node.Kind == yaml.ScalarNode && node.Tag != nullTag:
		hint = fmt.Sprintf("write it as a list: [%s]", shorten(node.Value))
	case t.Kind() == reflect.String && node.Kind == yaml.MappingNode && node.Style&yaml.FlowStyle != 0:
		hint = "a text that begins with { must be in quotes"
	case t.Kind() == reflect.String && node.Kind == yaml.MappingNode:
		hint = "YAML takes a text with a colon and a space for a mapping: " + inQuotes(node)
	case node.Kind == yaml.ScalarNode && node.Tag == nullTag && f.removable():
		hint = "set a value or remove the key"
	}
	d.report.at(node, path, "%s is %s: expected %s", whole(path), kindOf(node), describe(t, f)).Hint = hint
}

// inQuotes is the hint for a text that YAML reads as a mapping.
func inQuotes(node *yaml.Node) string {
	if len(node.Content) != 2 || node.Content[0].Kind != yaml.ScalarNode || node.Content[1].Kind != yaml.ScalarNode {
		return "put it in quotes"
	}
	text := node.Content[0].Value + ": " + node.Content[1].Value
	if utf8.RuneCountInString(text) > valueLimit {
		return "put it in quotes"
	}
	return "write '" + strings.ReplaceAll(text, "'", "''") + "'"
}

// whole returns the name of a value in a message: its key, or the file.
func whole(path string) string {
	if path == "" {
		return "the configuration"
	}
	return lastOf(path)
}

// lastOf returns the last key of a path with its index, as in `stacks[0]`.
func lastOf(path string) string {
	return path[strings.LastIndexByte(path, '.')+1:]
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func lookup(t reflect.Type, key string) (field, bool) {
	for _, f := range fieldsOf(t) {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

func exampleOf(f field) string {
	if f.example == "" {
		return ""
	}
	return "for example `" + f.key + ": " + f.example + "`"
}
