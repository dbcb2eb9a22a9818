package config

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

const (
	nullTag = "!!null"
	textTag = "!!str"
	boolTag = "!!bool"
	// mergeTag is the tag of a plain <<, which merges only as a key.
	mergeTag = "!!merge"
)

const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

var (
	wholeNumber = regexp.MustCompile(`^[0-9]+$`)
	accountText = regexp.MustCompile(`^[1-9][0-9]{11}$`)
)

func (d *decoder) scalar(node *yaml.Node, path string, f field, target reflect.Value) {
	if node.Kind != yaml.ScalarNode {
		d.wrong(node, path, f, target.Type())
		return
	}
	switch target.Kind() {
	case reflect.Bool:
		d.truth(node, path, f, target)
	case reflect.Int:
		d.number(node, path, f, target)
	default:
		d.text(node, path, f, target)
	}
}

// text uses the node's literal characters: an account is never parsed as a number,
// which would lose its leading zeros.
func (d *decoder) text(node *yaml.Node, path string, f field, target reflect.Value) {
	target.SetString(node.Value)
	if node.Style&quoted == 0 && looksNumeric(node) && !(f.rule == "account" && accountText.MatchString(node.Value)) {
		d.unquoted(node, path, f, target.Type())
		return
	}
	if len(f.oneof) > 0 {
		d.choice(node, path, f)
		return
	}
	if f.emptyText() && node.Value == "" {
		return
	}
	rule := rules()[f.rule]
	if broken, why := rule.broken(node.Value); broken {
		d.report.at(node, path, "%s is %s%s: expected %s", lastOf(path), quote(node.Value), why, describe(target.Type(), f)).
			Hint = rule.hintFor(node.Value)
	}
}

// unquoted reports a value that YAML does not read as a text.
func (d *decoder) unquoted(node *yaml.Node, path string, f field, t reflect.Type) {
	problem := d.report.at(node, path, "%s is %s: expected %s", lastOf(path), kindOf(node), describe(t, f))
	if f.rule != "" && holds(f.rule, node.Value) {
		problem.Hint = "put it in quotes: " + quote(node.Value)
	}
}

// looksNumeric reports whether some YAML parsers do not read the value as a text:
// they differ about leading zeros.
func looksNumeric(node *yaml.Node) bool {
	return node.Tag != textTag && node.Tag != mergeTag || wholeNumber.MatchString(node.Value)
}

func (d *decoder) choice(node *yaml.Node, path string, f field) {
	for _, allowed := range f.oneof {
		if node.Value == allowed {
			return
		}
	}
	d.report.at(node, path, "%s is %s: expected %s", lastOf(path), quote(node.Value), choices(f.oneof)).
		Hint = d.report.suggest(node.Value, f.oneof)
}

func (d *decoder) number(node *yaml.Node, path string, f field, target reflect.Value) {
	number, err := strconv.ParseInt(node.Value, 10, 32)
	least, _ := strconv.ParseInt(f.min, 10, 32)
	if node.Style&quoted == 0 && wholeNumber.MatchString(node.Value) && err == nil && number >= least {
		target.SetInt(number)
		return
	}
	problem := d.report.at(node, path, "%s is %s: expected %s", lastOf(path), kindOf(node), describe(target.Type(), f))
	if node.Style&quoted != 0 && wholeNumber.MatchString(node.Value) {
		problem.Hint = "remove the quotes"
	}
}

func (d *decoder) truth(node *yaml.Node, path string, f field, target reflect.Value) {
	if node.Style&quoted == 0 && (node.Value == "true" || node.Value == "false") {
		target.SetBool(node.Value == "true")
		return
	}
	d.report.at(node, path, "%s is %s: expected %s", lastOf(path), kindOf(node), describe(target.Type(), f)).
		Hint = "write true or false, without quotes"
}

// kindOf describes the kind of a node.
func kindOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Tag == nullTag:
		return "empty"
	case node.Style&quoted != 0 || !looksNumeric(node):
		return "the text " + quote(node.Value)
	case node.Tag == boolTag:
		return "the truth value " + shorten(node.Value)
	}
	return "the number " + shorten(node.Value)
}

// describe describes the expected value for a type.
func describe(t reflect.Type, f field) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return describe(t.Elem(), f)
	case t.Kind() == reflect.Map:
		return describeValues(t, f)
	case t.Kind() == reflect.Slice && f.empty:
		return "a list, each entry " + describe(t.Elem(), f)
	case t.Kind() == reflect.Slice:
		return "a list with at least one entry, each " + describe(t.Elem(), f)
	case t.Kind() == reflect.Struct && f.also != "":
		return "the " + f.also + " of a stack or " + mappingOf(t)
	case t.Kind() == reflect.Struct:
		return mappingOf(t)
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "a whole number of at least " + f.min
	case len(f.oneof) > 0:
		return choices(f.oneof)
	case f.emptyText():
		return rules()[f.rule].expect + `; or "" for none`
	}
	return rules()[f.rule].expect
}

func mappingOf(t reflect.Type) string {
	var needed []string
	for _, f := range fieldsOf(t) {
		if f.need == "always" {
			needed = append(needed, f.key)
		}
	}
	if needed == nil {
		needed = keysOf(t)
	}
	return "a mapping with " + strings.Join(needed, ", ")
}

func choices(allowed []string) string {
	last := len(allowed) - 1 // there are always two or more
	return strings.Join(allowed[:last], ", ") + " or " + allowed[last]
}

// quote formats a value for a message: short, and without control characters.
func quote(value string) string { return strconv.Quote(shorten(value)) }
