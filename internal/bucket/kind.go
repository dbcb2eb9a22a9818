package bucket

import "regexp"

// variable matches a variable of a pattern.
var variable = regexp.MustCompile(`<([a-z0-9]+)>`)

// key returns the key with these values of the variables, in order.
func (k kind) key(values ...string) string {
	at := 0
	return variable.ReplaceAllStringFunc(k.pattern, func(string) string {
		at++
		return values[at-1]
	})
}

// prefix returns the common prefix of all keys with these first values.
func (k kind) prefix(values ...string) string {
	places := variable.FindAllStringIndex(k.pattern, -1)
	return kind{pattern: k.pattern[:places[len(values)][0]]}.key(values...)
}

// parse returns the variables of a key by name, if the key has this kind.
func (k kind) parse(key string) (values map[string]string, ok bool) {
	expression := variable.ReplaceAllStringFunc(regexp.QuoteMeta(k.pattern), func(name string) string {
		if name == "<path>" {
			return "(?P" + name + ".+)"
		}
		return "(?P" + name + "[^/]+)"
	})
	form := regexp.MustCompile("^" + expression + "$")
	found := form.FindStringSubmatch(key)
	if found == nil {
		return nil, false
	}
	values = map[string]string{}
	for i, name := range form.SubexpNames() {
		values[name] = found[i]
	}
	return values, true
}
