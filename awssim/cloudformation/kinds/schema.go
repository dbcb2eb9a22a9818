package kinds

import (
	"bufio"
	"bytes"
	"compress/gzip"
	_ "embed" // for the schemas
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// packed are the facts AWS publishes about its resource types; the command
// tools/resourcetypes writes them.
//
//go:embed types.jsonl.gz
var packed []byte

// schema is what AWS publishes of a resource type, or of an object in it. The
// type of a property or attribute is written shortly: s text, n number,
// b boolean, t tag, j any JSON, #N an object with that schema, [X list of X,
// {X map of X, X|Y either.
type schema struct {
	Identifier []string // properties and attributes that identify a resource
	Ref        []string // those that Ref gives, when it gives others
	ARN        string
	Tags       string // the property that holds tags
	Properties map[string]string
	Required   []string
	Replace    []string // whose change makes a new resource
	MayReplace []string
	Attributes map[string]string // what Fn::GetAtt gives
}

// lines holds the schemas unread, by name: a run needs few of the many.
var lines = sync.OnceValue(func() map[string][]byte {
	index, err := unpack()
	if err != nil {
		panic(fmt.Sprintf("the embedded resource types cannot be read: %v", err))
	}
	return index
})

func unpack() (map[string][]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	index := make(map[string][]byte, 12_000)
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		line := bytes.Clone(scanner.Bytes())
		name, _, _ := strings.Cut(strings.TrimPrefix(string(line), `{"name":"`), `"`)
		index[name] = line
	}
	return index, scanner.Err()
}

var schemas sync.Map // name → *schema

// schemaOf is the schema of a type or of an object, nil for unknown ones.
func schemaOf(name string) *schema {
	if known, ok := schemas.Load(name); ok {
		return known.(*schema)
	}
	line, ok := lines()[name]
	if !ok {
		return nil
	}
	read := &schema{}
	if err := json.Unmarshal(line, read); err != nil {
		panic(fmt.Sprintf("the embedded resource type %s cannot be read: %v", name, err))
	}
	schemas.Store(name, read)
	return read
}

// Known reports whether the resource type exists. Custom resources
// have any name after Custom::.
func Known(typ string) bool {
	if strings.HasPrefix(typ, "Custom::") {
		return true
	}
	_, tabled := table[typ]
	_, published := lines()[typ]
	return tabled || published
}

// open are the types whose attributes only their resources know.
var open = []string{
	"AWS::CloudFormation::CustomResource", "AWS::CloudFormation::Stack", "AWS::CloudFormation::Macro",
	"AWS::ServiceCatalog::CloudFormationProvisionedProduct",
}

// HasAttribute reports whether the type has an attribute for Fn::GetAtt.
func HasAttribute(typ, name string) bool {
	s := schemaOf(typ)
	if s == nil || slices.Contains(open, typ) || table[typ].attributes[name] != "" {
		return true
	}
	for ; name != ""; name = name[:max(strings.LastIndexByte(name, '.'), 0)] {
		if _, ok := s.Attributes[name]; ok {
			return true
		}
	}
	return false
}

// Recreation reports whether a change of a property makes a new resource.
type Recreation string

// The values of Recreation, as in change sets.
const (
	Never         Recreation = "Never"
	Conditionally Recreation = "Conditionally"
	Always        Recreation = "Always"
)

// Replaces reports whether a change of a property makes a new resource.
func Replaces(typ, property string) Recreation {
	switch s := schemaOf(typ); {
	case s == nil:
		return Never
	case slices.Contains(s.Replace, property):
		return Always
	case slices.Contains(s.MayReplace, property):
		return Conditionally
	}
	return Never
}

// Taggable reports whether the tags of a stack are passed on to resources of the
// type.
func Taggable(typ string) bool {
	s := schemaOf(typ)
	return s != nil && s.Tags != ""
}
