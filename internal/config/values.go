package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Parameter is an entry of `parameters`: the value of a template parameter, or
// several values for one stack.
type Parameter struct {
	Value   string            // of the parameter with the entry's key
	OfStack map[string]string // values by parameter, for the stack with the entry's key; nil if Value is set
}

// MarshalJSON encodes the parameter in the format of the file.
func (p Parameter) MarshalJSON() ([]byte, error) {
	if p.OfStack != nil {
		return json.Marshal(p.OfStack)
	}
	return json.Marshal(p.Value)
}

var parameterType = reflect.TypeFor[Parameter]()

// ofMappings reports whether a type is a mapping of custom keys to mappings with keys of ours.
func ofMappings(t reflect.Type) bool {
	return t.Kind() == reflect.Map && t.Elem().Kind() == reflect.Struct && t.Elem() != parameterType
}

// values decodes a mapping with custom keys.
func (d *decoder) values(node *yaml.Node, path string, f field, target reflect.Value) {
	if node.Kind != yaml.MappingNode {
		d.wrong(node, path, f, target.Type())
		return
	}
	target.Set(reflect.MakeMap(target.Type()))
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !d.ownKey(key, path, keyRule(f, value), target) {
			continue
		}
		d.report.nodes[join(path, key.Value)] = value
		if element, ok := d.element(value, join(path, key.Value), f, target.Type().Elem()); ok {
			target.SetMapIndex(reflect.ValueOf(key.Value), element)
		}
	}
}

// keyRule is the rule of a key: in `parameters`, the key of a mapping is the name of a stack.
func keyRule(f field, value *yaml.Node) string {
	if f.keys == "parameterKey" && value.Kind == yaml.MappingNode {
		return "stackName"
	}
	return f.keys
}

// ownKey reports whether a custom key is valid.
func (d *decoder) ownKey(key *yaml.Node, path, ruleName string, target reflect.Value) bool {
	if key.Kind != yaml.ScalarNode {
		d.report.at(key, path, "a key must be a text")
		return false
	}
	if target.MapIndex(reflect.ValueOf(key.Value)).IsValid() {
		d.report.at(key, join(path, shorten(key.Value)), "duplicate key %s", quote(key.Value))
		return false
	}
	if broken, why := rules()[ruleName].broken(key.Value); broken {
		d.report.at(key, join(path, shorten(key.Value)), "the key %s of %s cannot be used%s: expected %s", quote(key.Value), lastOf(path), why, rules()[ruleName].expect)
		return false
	}
	return true
}

func (d *decoder) element(node *yaml.Node, path string, f field, t reflect.Type) (reflect.Value, bool) {
	switch {
	case t == parameterType && node.Kind == yaml.MappingNode:
		inner := reflect.New(reflect.TypeFor[map[string]string]()).Elem()
		d.values(node, path, f, inner)
		return reflect.ValueOf(Parameter{OfStack: inner.Interface().(map[string]string)}), true
	case t.Kind() == reflect.Struct && t != parameterType:
		value := reflect.New(t).Elem()
		d.value(node, path, field{}, value)
		return value, true
	case t == parameterType:
		text, ok := d.ownText(node, path)
		return reflect.ValueOf(Parameter{Value: text}), ok
	case t.Kind() == reflect.String:
		text, ok := d.ownText(node, path)
		return reflect.ValueOf(text), ok
	}
	value, ok := d.anything(node, path)
	if value == nil {
		return reflect.Zero(t), ok
	}
	return reflect.ValueOf(value), ok
}

// ownText uses a value's literal characters: 007 is "007".
func (d *decoder) ownText(node *yaml.Node, path string) (string, bool) {
	switch {
	case node.Kind != yaml.ScalarNode || node.Tag == nullTag:
		d.report.at(node, path, "%s is %s: expected a text", lastOf(path), kindOf(node)).Hint = "put it in quotes to use it literally"
		return "", false
	case nulProblem(node.Value) != "":
		d.report.at(node, path, "%s %s", lastOf(path), nulProblem(node.Value))
		return "", false
	}
	return node.Value, true
}

// anything decodes a value into the types of encoding/json.
func (d *decoder) anything(node *yaml.Node, path string) (any, bool) {
	var value any
	if err := node.Decode(&value); err != nil {
		d.report.at(node, path, "%s cannot be read: expected a value as JSON has them", lastOf(path))
		return nil, false
	}
	text, err := json.Marshal(value)
	if err == nil {
		var plain any
		if err = json.Unmarshal(text, &plain); err == nil {
			return plain, true
		}
	}
	d.report.at(node, path, "%s cannot be written as JSON: expected strings, numbers, booleans, lists and mappings of them", lastOf(path))
	return nil, false
}

// describeValues describes a mapping with custom keys.
func describeValues(t reflect.Type, f field) string {
	switch {
	case t.Elem() == parameterType:
		return "a mapping of parameters to values, or of stacks to such mappings"
	case ofMappings(t):
		return "a mapping of names to mappings with " + strings.Join(keysOf(t.Elem()), ", ") + ", each name " + rules()[f.keys].expect
	case t.Elem().Kind() == reflect.String:
		return "a mapping of names to texts, each name " + rules()[f.keys].expect
	}
	return "a mapping of names to values, each name " + rules()[f.keys].expect
}

var textSchemaOfAny = object{{"type", []string{"string", "number", "boolean"}}}

// valuesSchema is the schema of a mapping with custom keys.
func valuesSchema(t reflect.Type, f field) object {
	schema := object{{"type", "object"}}
	switch {
	case t.Elem() == parameterType:
		ofStack := object{{"type", "object"}, {"additionalProperties", textSchemaOfAny}}
		return append(schema, member{"additionalProperties", object{{"anyOf", []object{textSchemaOfAny, ofStack}}}})
	case ofMappings(t):
		schema = append(schema, member{"additionalProperties", structSchema(t.Elem(), field{})})
	case t.Elem().Kind() == reflect.String:
		schema = append(schema, member{"additionalProperties", textSchemaOfAny})
	default:
		schema = append(schema, member{"additionalProperties", true})
	}
	return append(schema, member{"propertyNames", object{{"pattern", rules()[f.keys].pattern}}})
}

// reservedVariables are those that the stages set for commands, or that configure
// the CDK and the AWS SDKs.
var reservedVariables = []string{
	"ENVIRONMENT_NAME", "COMMIT_SHA", "BRANCH", "CDK_OUTDIR", "CDK_CONTEXT_JSON", "CDK_ERROR_FILE", "CDK_VALIDATION", "CONTEXT_OVERFLOW_LOCATION_ENV",
}

// reservedPrefixes are the prefixes of reserved variables.
var reservedPrefixes = []string{"AWS_", "APHEX_", "OUTPUT_", "STACK_OUTPUTS", "CDK_DEFAULT_", "CDK_CLI_"}

func variableProblem(name string) string {
	reserved := slices.Contains(reservedVariables, name) || slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	switch {
	case name == "PATH":
		return "would replace the folders of all programs (a command can add one: export PATH=\"$PWD/bin:$PATH\")"
	case reserved:
		return "the stages themselves set"
	}
	return ""
}

// buildVariableProblem refuses what builds get besides.
func buildVariableProblem(name string) string {
	if name == "REPOSITORY" {
		return "the build itself sets"
	}
	return variableProblem(name)
}

// parameterProblem refuses the parameters that AWS publishes, and those that refer to secrets
// of another kind.
func parameterProblem(name string) string {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, "/")), "/")
	switch {
	case strings.HasPrefix(first, "aws"), strings.HasPrefix(first, "ssm"):
		return "AWS keeps for itself: it begins with aws or ssm"
	case strings.HasSuffix(name, "/") || strings.Contains(name, "//"):
		return "has an empty part"
	case strings.Contains(strings.TrimPrefix(name, "/"), "/") && name[0] != '/':
		return "has parts but does not begin with /"
	}
	return ""
}

// longestTimeout is how long the cluster lets a pod run.
const longestTimeout = 24 * time.Hour

func timeoutProblem(text string) string {
	if Timeout(text).Duration() > longestTimeout {
		return "is longer than a pod may run"
	}
	return ""
}

func runURLProblem(text string) string {
	if !strings.Contains(text, "{run}") {
		return "is the same for all runs: it has no {run}"
	}
	return ""
}

func contextProblem(key string) string {
	if strings.HasPrefix(key, "aws:") {
		return "the CDK keeps for itself: it begins with aws:"
	}
	return ""
}

// Variables returns the environment's own variables as NAME=value, in the order of their names.
func (e Environment) Variables() []string { return Variables(e.Env) }

// Variables returns variables as NAME=value, in the order of their names.
func Variables(env map[string]string) []string {
	entries := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		entries = append(entries, fmt.Sprintf("%s=%s", name, env[name]))
	}
	return entries
}
