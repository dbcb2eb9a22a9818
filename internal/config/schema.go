package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"go.yaml.in/yaml/v4"
)

//go:generate go test -run IsCurrent -update .

// SchemaURL is the URL of the JSON Schema of the configuration, for editors.
const SchemaURL = "https://raw.githubusercontent.com/aphex/aphex-pipeline/main/schema/aphex-config.schema.json"

// Schema returns the JSON Schema (draft-07, for editors) of the configuration file.
// It accepts all files that Parse accepts. Problems that involve several values,
// such as an unknown reference or a cycle, are found by Parse only.
func Schema() ([]byte, error) {
	mappings := documented()
	root := object{
		{"$schema", "http://json-schema.org/draft-07/schema#"},
		{"$id", SchemaURL},
		{"title", "AphexPipeline configuration"},
	}
	root = append(root, mappingSchema(mappings[0])...)
	var definitions object
	for _, m := range mappings[1:] {
		definitions = append(definitions, member{m.typ.Name(), mappingSchema(m)})
	}
	root = append(root, member{"definitions", definitions})
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("writing the schema: %w", err)
	}
	return out.Bytes(), nil
}

func mappingSchema(m *mapping) object {
	var properties object
	var required []string
	for _, key := range m.keys {
		properties = append(properties, member{key.key, keySchema(key)})
		if key.need == "always" {
			required = append(required, key.key)
		}
	}
	schema := object{{"description", m.doc}, {"type", "object"}, {"additionalProperties", false}}
	if required != nil {
		schema = append(schema, member{"required", required})
	}
	return append(schema, member{"properties", properties})
}

// keySchema describes a key. A reference to a definition is in an allOf, as
// draft-07 ignores its siblings.
func keySchema(key documentedKey) object {
	schema := object{{"description", describeKey(key)}}
	if inner := valueSchema(key.typ, key.field); inner[0].key == "$ref" {
		schema = append(schema, member{"allOf", []object{inner}})
	} else {
		schema = append(schema, inner...)
	}
	if initial := defaultOf(key.field); initial != nil {
		schema = append(schema, member{"default", initial})
	}
	var example any
	if key.example != "" && yaml.Load([]byte(key.example), &example) == nil {
		schema = append(schema, member{"examples", []any{example}})
	}
	return schema
}

func valueSchema(t reflect.Type, f field) object {
	switch t.Kind() {
	case reflect.Pointer:
		return valueSchema(t.Elem(), f)
	case reflect.Map:
		return valuesSchema(t, f)
	case reflect.Struct:
		return structSchema(t, f)
	case reflect.Slice:
		list := object{{"type", "array"}, {"items", valueSchema(t.Elem(), f)}}
		if !f.empty {
			list = append(list, member{"minItems", 1})
		}
		return list
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int:
		least, _ := strconv.Atoi(f.min)
		return object{{"type", "integer"}, {"minimum", least}}
	}
	return textSchema(f)
}

func structSchema(t reflect.Type, f field) object {
	definition := object{{"$ref", "#/definitions/" + t.Name()}}
	if f.also == "" {
		return definition
	}
	named, _ := lookup(t, f.also)
	return object{{"anyOf", []object{textSchema(named), definition}}}
}

func textSchema(f field) object {
	if f.oneof != nil {
		return object{{"type", "string"}, {"enum", f.oneof}}
	}
	rule := rules()[f.rule]
	text := object{{"type", "string"}, {"minLength", max(1, rule.least)}}
	if rule.most > 0 {
		text = append(text, member{"maxLength", rule.most})
	}
	text = append(text, member{"pattern", rule.pattern})
	if f.rule == "account" {
		number := object{{"type", "integer"}, {"minimum", 100_000_000_000}, {"maximum", 999_999_999_999}}
		return object{{"anyOf", []object{text, number}}}
	}
	if f.emptyText() {
		return object{{"anyOf", []object{text, {{"type", "string"}, {"enum", []string{""}}}}}}
	}
	return text
}

func defaultOf(f field) any {
	switch {
	case f.initial == "":
		return nil
	case f.typ.Kind() == reflect.Slice:
		return splitList(f.initial)
	case f.typ.Kind() == reflect.Bool:
		return f.initial == "true"
	case f.typ.Kind() == reflect.Int:
		number, _ := strconv.Atoi(f.initial)
		return number
	}
	return f.initial
}

// object is an ordered JSON object.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for i, m := range o {
		out.WriteByte("{,"[min(i, 1)])
		if err := encoder.Encode(m.key); err != nil {
			return nil, err
		}
		out.WriteByte(':')
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
