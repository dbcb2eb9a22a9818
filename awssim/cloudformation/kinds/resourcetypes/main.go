// Command resourcetypes writes the facts about CloudFormation's resource types
// that the simulator keeps: identifiers, properties and attributes with their
// types, what replaces a resource, which property holds tags.
//
// They come from the npm package @aws-cdk/aws-service-spec (Apache-2.0), which
// collects AWS's published resource schemas; the file here is of 0.1.216. To
// update it, from this folder:
//
//	npm pack @aws-cdk/aws-service-spec@VERSION && tar xzf aws-cdk-aws-service-spec-*.tgz
//	go run . package/db.json.gz ../types.jsonl.gz
//
// The result is one line of JSON for each type, sorted by name, then one for
// each definition that they share.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: resourcetypes db.json.gz types.jsonl.gz")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "resourcetypes:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	db, err := read(from)
	if err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	text, err := db.lines()
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(to, packed.Bytes(), 0o644)
}

// database is the part of the package's file that is used.
type database struct {
	Schema struct {
		Resource       struct{ Entities []resource }
		TypeDefinition struct{ Entities []resource }
	}
}

type resource struct {
	ID                string `json:"$id"`
	Type              string `json:"cloudFormationType"`
	PrimaryIdentifier []string
	CfnRefIdentifier  []string
	ArnTemplate       string
	TagInformation    struct{ TagPropertyName string }
	Properties        map[string]property
	Attributes        map[string]property
}

type property struct {
	Type              valueType
	PreviousTypes     []valueType
	Required          bool
	CausesReplacement string
}

type valueType struct {
	Type      string
	Element   *valueType
	Types     []valueType
	Reference struct {
		Ref string `json:"$ref"`
	}
}

func read(path string) (*database, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	db := &database{}
	return db, json.NewDecoder(r).Decode(db)
}

// line is one type or definition as the simulator reads it.
type line struct {
	Name       string            `json:"name"` // of a type, or #N of a definition
	Identifier []string          `json:"identifier,omitempty"`
	Ref        []string          `json:"ref,omitempty"`
	ARN        string            `json:"arn,omitempty"`
	Tags       string            `json:"tags,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Required   []string          `json:"required,omitempty"`
	Replace    []string          `json:"replace,omitempty"`
	MayReplace []string          `json:"mayReplace,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

func (db *database) lines() ([]byte, error) {
	var all []line
	for _, r := range db.Schema.Resource.Entities {
		l := r.line(r.Type)
		l.Identifier, l.Ref, l.ARN = r.PrimaryIdentifier, r.CfnRefIdentifier, r.ArnTemplate
		l.Tags = r.TagInformation.TagPropertyName
		all = append(all, l)
	}
	for _, r := range db.Schema.TypeDefinition.Entities {
		all = append(all, r.line("#"+r.ID))
	}
	slices.SortFunc(all, func(a, b line) int {
		if shared := strings.HasPrefix(a.Name, "#"); shared != strings.HasPrefix(b.Name, "#") {
			if shared {
				return 1
			}
			return -1
		}
		return strings.Compare(a.Name, b.Name)
	})
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, l := range all {
		if err := encoder.Encode(l); err != nil {
			return nil, err
		}
	}
	return text.Bytes(), nil
}

func (r resource) line(name string) line {
	l := line{Name: name, Properties: codes(r.Properties), Attributes: codes(r.Attributes)}
	for _, name := range slices.Sorted(maps.Keys(r.Properties)) {
		p := r.Properties[name]
		if p.Required {
			l.Required = append(l.Required, name)
		}
		switch p.CausesReplacement {
		case "yes":
			l.Replace = append(l.Replace, name)
		case "maybe":
			l.MayReplace = append(l.MayReplace, name)
		}
	}
	return l
}

func codes(properties map[string]property) map[string]string {
	result := map[string]string{}
	for name, p := range properties {
		result[name] = p.Type.code()
		if earlier := len(p.PreviousTypes); earlier > 0 {
			result[name] = valueType{Type: "union", Types: append([]valueType{p.Type}, p.PreviousTypes...)}.code()
		}
	}
	return result
}

// code writes a type shortly: s text, n number, b boolean, j any JSON, #N an
// object of that definition, [X list of X, {X map of X, X|Y either.
func (t valueType) code() string {
	switch t.Type {
	case "string", "date-time":
		return "s"
	case "integer", "number":
		return "n"
	case "boolean":
		return "b"
	case "ref":
		return "#" + t.Reference.Ref
	case "array":
		return "[" + t.Element.code()
	case "map":
		return "{" + t.Element.code()
	case "tag":
		return "t"
	case "union":
		var each []string
		for _, one := range t.Types {
			if code := one.code(); !slices.Contains(each, code) {
				each = append(each, code)
			}
		}
		return strings.Join(each, "|")
	}
	return "j"
}
