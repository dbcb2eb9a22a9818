package template

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

func fnSelect(_ *Env, argument any) (any, error) {
	pair, ok := argument.([]any)
	if !ok || len(pair) != 2 {
		return nil, templatef("Fn::Select requires a list argument with two elements: an integer index and a list")
	}
	text, _ := Text(pair[0])
	index, err := strconv.Atoi(text)
	if err != nil {
		return nil, templatef("Fn::Select requires a list argument with a valid index")
	}
	list, ok := pair[1].([]any)
	if !ok {
		return nil, templatef("Fn::Select requires a list argument with two elements: an integer index and a list")
	}
	if index < 0 || index >= len(list) {
		return nil, templatef("Fn::Select cannot select nonexistent value at index %d", index)
	}
	return list[index], nil
}

// fnFindInMap looks a value up by map and two keys. A fourth argument may hold
// a DefaultValue.
func fnFindInMap(e *Env, argument any) (any, error) {
	arguments, ok := argument.([]any)
	if !ok || len(arguments) < 3 || len(arguments) > 4 {
		return nil, templatef("every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value")
	}
	value, err := e.Evaluate(arguments[:3])
	if err != nil {
		return nil, err
	}
	if IsUnknown(value) {
		return Unknown{}, nil
	}
	keys, ok := textsOf(value)
	if !ok || len(keys) != 3 {
		return nil, templatef("every Fn::FindInMap object requires three strings")
	}
	if found := e.Template.lookUp(keys); found != nil {
		return found, nil
	}
	if options, ok := lastMap(arguments); ok {
		return e.evaluate(options["DefaultValue"])
	}
	return nil, templatef("Unable to get mapping for %s::%s::%s", keys[0], keys[1], keys[2])
}

func lastMap(arguments []any) (map[string]any, bool) {
	if len(arguments) != 4 {
		return nil, false
	}
	options, ok := arguments[3].(map[string]any)
	return options, ok && options["DefaultValue"] != nil
}

func (t *Template) lookUp(keys []string) any {
	first, _ := t.Mappings[keys[0]].(map[string]any)
	second, _ := first[keys[1]].(map[string]any)
	return second[keys[2]]
}
