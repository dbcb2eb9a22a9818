package template

// checkFunctions refuses functions that do not exist, and Fn::Sub texts that
// end inside a variable, wherever functions may stand.
func (t *Template) checkFunctions() error {
	for _, name := range sortedKeys(t.Conditions) {
		if err := checkCalls(t.Conditions[name]); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(t.Resources) {
		if err := checkCalls(t.Resources[name].values()); err != nil {
			return err
		}
	}
	for _, name := range sortedKeys(t.Outputs) {
		if err := checkCalls([]any{t.Outputs[name].Value, t.Outputs[name].Export}); err != nil {
			return err
		}
	}
	return nil
}

func checkCalls(value any) error {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if err := checkCalls(item); err != nil {
				return err
			}
		}
	case map[string]any:
		if name, argument, ok := call(v); ok {
			if err := checkCall(name, argument); err != nil {
				return err
			}
		}
		for _, key := range sortedKeys(v) {
			if err := checkCalls(v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkCall(name string, argument any) error {
	if _, known := functions[name]; !known {
		return unsupported(name)
	}
	var ok bool
	switch name {
	case "Fn::GetStackOutput":
		return checkStackOutput(argument)
	case "Ref":
		if _, ok = argument.(string); !ok {
			return formatf("Every Ref object must have a single String value.")
		}
	case "Fn::GetAtt":
		if _, _, ok = getAtt(argument); !ok {
			return templatef("every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
		}
	}
	return nil
}
