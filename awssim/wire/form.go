package wire

import (
	"net/url"
	"strconv"
)

// List reads a list of the awsquery protocol: Name.member.1, Name.member.2, …
func List(form url.Values, name string) []string {
	var values []string
	for i := 1; ; i++ {
		key := name + ".member." + strconv.Itoa(i)
		if !form.Has(key) {
			return values
		}
		values = append(values, form.Get(key))
	}
}

// Flat reads a list of the ec2query protocol: Name.1, Name.2, …
func Flat(form url.Values, name string) []string {
	var values []string
	for i := 1; form.Has(name + "." + strconv.Itoa(i)); i++ {
		values = append(values, form.Get(name+"."+strconv.Itoa(i)))
	}
	return values
}

// Tags reads a tag list of the awsquery protocol: Name.member.1.Key and .Value.
func Tags(form url.Values, name string) map[string]string {
	tags := map[string]string{}
	for i := 1; ; i++ {
		prefix := name + ".member." + strconv.Itoa(i)
		if !form.Has(prefix + ".Key") {
			return tags
		}
		tags[form.Get(prefix+".Key")] = form.Get(prefix + ".Value")
	}
}
