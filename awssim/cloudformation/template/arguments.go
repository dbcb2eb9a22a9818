package template

import "strings"

// Argument is a parameter of a call.
type Argument struct {
	Key         string
	Value       string
	UsePrevious bool
}

// Value is a parameter of a stack.
type Value struct {
	Key      string
	Value    string // as given, or the default
	Resolved string // for parameters from the store: what it held
	Stored   bool   // Resolved counts
	Secret   bool   // NoEcho: the value is never shown
}

// Effective is the text that the template works with.
func (v Value) Effective() string {
	if v.Stored {
		return v.Resolved
	}
	return v.Value
}

// Store looks parameters up by name. Type is String, StringList or
// SecureString.
type Store func(name string) (value, typ string, err error)

// Arguments gives every parameter of the template its value: the given one,
// the previous one where it is asked for, or the default. The result is sorted
// by key.
func (t *Template) Arguments(given []Argument, previous []Value, store Store) ([]Value, error) {
	arguments, err := t.collect(given, previous)
	if err != nil {
		return nil, err
	}
	values := make([]Value, 0, len(arguments))
	var missing []string
	for _, name := range sortedKeys(t.Parameters) {
		p := t.Parameters[name]
		value, ok := arguments[name]
		if !ok && p.Default == nil {
			missing = append(missing, name)
			continue
		}
		if !ok {
			value = *p.Default
		}
		values = append(values, Value{Key: name, Value: value, Secret: p.NoEcho})
	}
	if len(missing) > 0 {
		return nil, plainf("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	if err := t.resolve(values, store); err != nil {
		return nil, err
	}
	return values, t.constrain(values)
}

// collect checks the arguments against the declarations.
func (t *Template) collect(given []Argument, previous []Value) (map[string]string, error) {
	before := make(map[string]string, len(previous))
	for _, v := range previous {
		before[v.Key] = v.Value
	}
	result := make(map[string]string, len(given))
	var unknown []string
	for _, a := range given {
		if _, declared := t.Parameters[a.Key]; !declared {
			unknown = append(unknown, a.Key)
			continue
		}
		value, err := a.value(before)
		if err != nil {
			return nil, err
		}
		result[a.Key] = value
	}
	if len(unknown) > 0 {
		return nil, plainf("Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	return result, nil
}

func (a Argument) value(previous map[string]string) (string, error) {
	if !a.UsePrevious {
		return a.Value, nil
	}
	if a.Value != "" {
		return "", plainf("Invalid input for parameter key %s. "+
			"Cannot specify usePreviousValue as true and non empty value for a parameter", a.Key)
	}
	value, ok := previous[a.Key]
	if !ok {
		return "", plainf("Invalid input for parameter key %s. Cannot specify usePreviousValue "+
			"as true for a parameter key not in the previous template", a.Key)
	}
	return value, nil
}

// resolve reads the values that come from the parameter store.
func (t *Template) resolve(values []Value, store Store) error {
	var absent, unsupported []string
	for i, v := range values {
		if !t.Parameters[v.Key].FromStore() {
			continue
		}
		value, typ, err := store(v.Value)
		if err != nil {
			absent = append(absent, v.Value)
			continue
		}
		if typ == "SecureString" {
			unsupported = append(unsupported, v.Value)
			continue
		}
		values[i].Resolved, values[i].Stored = value, true
	}
	if len(absent) > 0 {
		return plainf("Unable to fetch parameters [%s] from parameter store for this account.", strings.Join(absent, ","))
	}
	if len(unsupported) > 0 {
		return plainf("Parameters [%s] referenced by template have types not supported by CloudFormation.", strings.Join(unsupported, ","))
	}
	return nil
}
