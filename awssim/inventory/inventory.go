// Package inventory is the source of lookups: the resources that the stacks of a simulated
// account have deployed.
package inventory

import (
	"fmt"
	"regexp"
	"strings"
)

// Resource is one deployed resource.
type Resource struct {
	Type       string // such as AWS::EC2::VPC
	ID         string // what Ref gives
	Properties map[string]any
	Attributes map[string]any
	Tags       map[string]string
}

// Source returns the deployed resources of some types in an account's region, in
// a stable order.
type Source func(account, region string, types ...string) []Resource

// Text returns a property, or an attribute if there is no such property.
func (r Resource) Text(name string) string {
	for _, values := range []map[string]any{r.Properties, r.Attributes} {
		if value := values[name]; value != nil {
			return fmt.Sprint(value)
		}
	}
	return ""
}

// Texts is a property that is a list of texts.
func (r Resource) Texts(name string) []string {
	var texts []string
	list, _ := r.Properties[name].([]any)
	for _, value := range list {
		texts = append(texts, fmt.Sprint(value))
	}
	return texts
}

// Each lists the members of a property that is a list of objects.
func (r Resource) Each(name string) []Resource {
	var all []Resource
	list, _ := r.Properties[name].([]any)
	for _, value := range list {
		if members, ok := value.(map[string]any); ok {
			all = append(all, Resource{Properties: members})
		}
	}
	return all
}

// Like reports whether a text matches a pattern with AWS's * and ?.
func Like(text, pattern string) bool {
	quoted := regexp.QuoteMeta(pattern)
	quoted = strings.ReplaceAll(strings.ReplaceAll(quoted, `\*`, `.*`), `\?`, `.`)
	fits, err := regexp.MatchString("^(?s:"+quoted+")$", text)
	return err == nil && fits
}
