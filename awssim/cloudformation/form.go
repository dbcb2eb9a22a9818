package cloudformation

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation/template"
)

// call is a request being handled.
type call struct {
	Scope
	caller string
	form   form
}

// form reads awsquery parameters.
type form url.Values

func (f form) text(name string) string { return url.Values(f).Get(name) }

func (f form) has(name string) bool { return url.Values(f).Has(name) }

func (f form) flag(name string) bool { return strings.EqualFold(f.text(name), "true") }

// members are the prefixes of a list's items: Name.member.1, …, as long as
// there are any. An empty list, sent as "Name=", has none.
func (f form) members(name string) []string {
	var prefixes []string
	for i := 1; ; i++ {
		prefix := name + ".member." + strconv.Itoa(i)
		if !f.under(prefix) {
			return prefixes
		}
		prefixes = append(prefixes, prefix)
	}
}

func (f form) under(prefix string) bool {
	if f.has(prefix) {
		return true
	}
	for name := range f {
		if strings.HasPrefix(name, prefix+".") {
			return true
		}
	}
	return false
}

func (f form) texts(name string) []string {
	var result []string
	for _, prefix := range f.members(name) {
		result = append(result, f.text(prefix))
	}
	return result
}

// given reports whether a list was sent, be it an empty one.
func (f form) given(name string) bool { return f.has(name) || len(f.members(name)) > 0 }

func (f form) tags() []tag {
	var result []tag
	for _, prefix := range f.members("Tags") {
		result = append(result, tag{Key: f.text(prefix + ".Key"), Value: f.text(prefix + ".Value")})
	}
	return result
}

func (f form) arguments() []template.Argument {
	var result []template.Argument
	for _, prefix := range f.members("Parameters") {
		result = append(result, template.Argument{
			Key:         f.text(prefix + ".ParameterKey"),
			Value:       f.text(prefix + ".ParameterValue"),
			UsePrevious: f.flag(prefix + ".UsePreviousValue"),
		})
	}
	return result
}

// require returns a parameter that must be there.
func (f form) require(name string) (string, error) {
	value := f.text(name)
	if value == "" {
		return "", invalidf("1 validation error detected: Value null at '%s' failed to satisfy constraint: "+
			"Member must not be null", strings.ToLower(name[:1])+name[1:])
	}
	return value, nil
}
