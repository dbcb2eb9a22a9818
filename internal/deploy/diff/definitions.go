package diff

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// redefined returns the resources whose permissions or rules depend on a condition, a mapping
// or a parameter of the template that changes, as far as they are in both templates.
func redefined(before, after Template) (found []Broadening) {
	was, is := before.definitions(), after.definitions()
	permissions, rules := permissionsOf(after), rulesOf(after)
	for _, id := range slices.Sorted(maps.Keys(after.Resources)) {
		old, now := before.Resources[id], after.Resources[id]
		kind := IAM
		if len(permissions[id]) == 0 {
			kind = Network
		}
		if old.Type == "" || kind == Network && len(rules[id]) == 0 {
			continue // all that it grants is new, or it grants nothing
		}
		var changed []string
		if old.Condition != nil && !reflect.DeepEqual(old.Condition, now.Condition) {
			changed = append(changed, "the condition under which it exists")
		}
		for _, name := range slices.Sorted(maps.Keys(is.usedBy(now))) {
			if !reflect.DeepEqual(was[name], is[name]) {
				changed = append(changed, name)
			}
		}
		if changed != nil {
			found = append(found, Broadening{LogicalID: id, Kind: kind, Text: "what ${" + id + "} allows depends on what changes: " + strings.Join(changed, ", ")})
		}
	}
	return found
}

// definitions are the conditions, mappings and parameters of a template, by kind and name, such
// as "condition IsProd".
type definitions map[string]any

func (t Template) definitions() definitions {
	all := definitions{}
	for kind, section := range map[string]string{"condition ": "Conditions", "mapping ": "Mappings", "parameter ": "Parameters"} {
		members, _ := t.content[section].(map[string]any)
		for name, value := range members {
			if p, isMap := value.(map[string]any); isMap && section == "Parameters" {
				value = []any{p["Type"], p["Default"]} // the others are for people and checks
			}
			all[kind+name] = value
		}
	}
	return all
}

// usedBy returns the definitions that what a resource allows may depend on, also through others.
func (d definitions) usedBy(r Resource) map[string]bool {
	used := map[string]bool{}
	if name, is := r.Condition.(string); is {
		d.add(used, "condition "+name)
	}
	for property, value := range r.Properties {
		bucket := r.Type == "AWS::S3::Bucket" || r.Type == "AWS::S3::AccessPoint"
		if bucket && !slices.Contains([]string{"AccessControl", "Policy", "PublicAccessBlockConfiguration"}, property) {
			continue // it allows nothing
		}
		d.walk(used, value)
	}
	return used
}

func (d definitions) add(used map[string]bool, name string) {
	if value, is := d[name]; is && !used[name] {
		used[name] = true
		d.walk(used, value)
	}
}

func (d definitions) walk(used map[string]bool, value any) {
	switch v := value.(type) {
	case []any:
		for _, inner := range v {
			d.walk(used, inner)
		}
	case map[string]any:
		for key, inner := range v {
			d.walk(used, inner)
			name, isText := leading(inner).(string)
			switch {
			case key == "Fn::FindInMap" && !isText: // it is computed which
				for other := range d {
					if strings.HasPrefix(other, "mapping ") {
						d.add(used, other)
					}
				}
			case key == "Fn::FindInMap":
				d.add(used, "mapping "+name)
			case key == "Fn::If", key == "Condition":
				d.add(used, "condition "+name)
			case key == "Ref":
				d.add(used, "parameter "+name)
			case key == "Fn::Sub":
				for _, part := range strings.Split(name, "${")[1:] {
					of, _, _ := strings.Cut(part, "}")
					d.add(used, "parameter "+of)
				}
			}
		}
	}
}

// newMacros returns the macros of a template, and its includes of other files, that the template
// before does not have in the same place and form: they may add anything.
func newMacros(before, after Template) (found []Broadening) {
	was, is := macrosOf(before), macrosOf(after)
	for _, at := range slices.Sorted(maps.Keys(is)) {
		for _, text := range is[at] {
			if !slices.Contains(was[at], text) {
				found = append(found, Broadening{LogicalID: at, Kind: IAM, Text: "a macro may add any permission: " + text})
			}
		}
	}
	return found
}

// macrosOf returns the macros of a template by the resource, or else the section, that has them.
func macrosOf(t Template) map[string][]string {
	found := map[string][]string{}
	for section, value := range t.content {
		members, isMap := value.(map[string]any)
		switch {
		case section == "Transform":
			for _, one := range many(value) {
				if format(one) != "AWS::LanguageExtensions" { // it computes only with what is in the template
					found[section] = append(found[section], format(one))
				}
			}
		case section == "Fn::Transform", !isMap:
			addMacros(found, section, map[string]any{section: value})
		default:
			for member, inner := range members {
				addMacros(found, member, map[string]any{member: inner})
			}
		}
	}
	for at := range found {
		slices.Sort(found[at])
		found[at] = slices.Compact(found[at])
	}
	return found
}

func addMacros(found map[string][]string, at string, value any) {
	switch v := value.(type) {
	case []any:
		for _, inner := range v {
			addMacros(found, at, inner)
		}
	case map[string]any:
		for key, inner := range v {
			if key == "Fn::Transform" {
				found[at] = append(found[at], format(inner))
			}
			addMacros(found, at, inner)
		}
	}
}
