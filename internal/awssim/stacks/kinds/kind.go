package kinds

import (
	"maps"
	"slices"
	"strings"
)

// kind describes a resource type. Its texts are patterns, see expand.
type kind struct {
	name       string            // the property that holds the resource's own name
	id         string            // the physical id; empty: the name
	attributes map[string]string // what Fn::GetAtt gives, by attribute
	replace    []string          // properties whose change makes a new resource
	required   []string          // properties that cannot be missing
	tags       bool              // stack tags are passed on to it
	limit      int               // the longest name; 0: 128 characters
	lower      bool              // names are in lower case
}

var table = merged(storage, compute, messaging, network, security, delivery, observation)

func merged(parts ...map[string]kind) map[string]kind {
	all := map[string]kind{}
	for _, part := range parts {
		maps.Copy(all, part)
	}
	return all
}

// Replaces says whether a change of a property makes a new resource. The name
// of a resource always does.
func Replaces(typ, property string) bool {
	k := table[typ]
	return property != "" && property == k.name || slices.Contains(k.replace, property)
}

// NameProperty is the property that holds the resource's own name, empty when
// the type has none.
func NameProperty(typ string) string { return table[typ].name }

// Missing lists the required properties that a resource lacks.
func Missing(typ string, properties map[string]any) []string {
	var missing []string
	for _, name := range table[typ].required {
		if properties[name] == nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// Taggable says whether the tags of a stack are passed on to resources of the
// type.
func Taggable(typ string) bool { return table[typ].tags }

// IsCustom says whether the type is a custom resource.
func IsCustom(typ string) bool {
	return strings.HasPrefix(typ, "Custom::") || typ == "AWS::CloudFormation::CustomResource"
}
