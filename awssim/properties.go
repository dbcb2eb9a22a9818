package awssim

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

// properties are those of a resource in a template. Templates may have numbers and
// booleans as strings; the readers accept both.
type properties map[string]any

// at walks down members; nil when one is missing.
func (p properties) at(path ...string) any {
	var value any = map[string]any(p)
	for _, name := range path {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = members[name]
	}
	return value
}

func (p properties) text(path ...string) string {
	switch value := p.at(path...).(type) {
	case nil:
		return ""
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		return fmt.Sprint(value)
	}
}

func (p properties) flag(path ...string) bool { return p.text(path...) == "true" }

func (p properties) number(path ...string) int {
	n, err := strconv.Atoi(p.text(path...))
	if err != nil {
		return 0
	}
	return n
}

// texts reads a list of texts.
func (p properties) texts(path ...string) []string {
	var texts []string
	list, _ := p.at(path...).([]any)
	for _, item := range list {
		texts = append(texts, fmt.Sprint(item))
	}
	return texts
}

// maps reads a list of objects.
func (p properties) maps(path ...string) []properties {
	var items []properties
	list, _ := p.at(path...).([]any)
	for _, item := range list {
		if members, ok := item.(map[string]any); ok {
			items = append(items, members)
		}
	}
	return items
}

// document returns a policy document as JSON text; a text stays as it is.
func (p properties) document(path ...string) string {
	switch value := p.at(path...).(type) {
	case nil:
		return ""
	case string:
		return value
	default:
		text, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(text)
	}
}

// tags reads a tag list, or a map of tags.
func (p properties) tags(path ...string) map[string]string {
	tags := map[string]string{}
	for _, tag := range p.maps(path...) {
		tags[tag.text("Key")] = tag.text("Value")
	}
	if members, ok := p.at(path...).(map[string]any); ok {
		for key := range members {
			tags[key] = properties(members).text(key)
		}
	}
	return tags
}

// decode fills a struct from the member of that name.
func (p properties) decode(into any, path ...string) error {
	text, err := json.Marshal(p.at(path...))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func questionOn(action, resource string) policy.Question {
	return policy.Question{Action: action, Resource: resource}
}
