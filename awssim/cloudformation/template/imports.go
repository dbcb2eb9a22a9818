package template

// Imports finds the arguments of Fn::ImportValue in a value, in the taken
// branches of every Fn::If.
func Imports(value any, conditions map[string]bool) []any {
	switch v := value.(type) {
	case []any:
		var found []any
		for _, item := range v {
			found = append(found, Imports(item, conditions)...)
		}
		return found
	case map[string]any:
		if name, argument, ok := call(v); ok {
			return importsOfCall(name, argument, conditions)
		}
		var found []any
		for _, key := range sortedKeys(v) {
			found = append(found, Imports(v[key], conditions)...)
		}
		return found
	}
	return nil
}

func importsOfCall(name string, argument any, conditions map[string]bool) []any {
	if name == "Fn::ImportValue" {
		return []any{argument}
	}
	if arms, ok := argument.([]any); ok && name == "Fn::If" && len(arms) == 3 {
		condition, _ := arms[0].(string)
		if conditions[condition] {
			return Imports(arms[1], conditions)
		}
		return Imports(arms[2], conditions)
	}
	return Imports(argument, conditions)
}
