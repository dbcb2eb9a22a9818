package template

func fnEquals(_ *Env, argument any) (any, error) {
	pair, ok := argument.([]any)
	if !ok || len(pair) != 2 {
		return nil, templatef("Fn::Equals requires a list argument with two elements")
	}
	return Equal(pair[0], pair[1]), nil
}

// Equal compares values as CloudFormation does: scalars by their text.
func Equal(a, b any) bool {
	textA, scalarA := Text(a)
	textB, scalarB := Text(b)
	if scalarA || scalarB {
		return scalarA && scalarB && textA == textB
	}
	switch x := a.(type) {
	case nil:
		return b == nil
	case []any:
		y, ok := b.([]any)
		return ok && equalLists(x, y)
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && equalMaps(x, y)
	}
	return false
}

func equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalMaps(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		other, ok := b[key]
		if !ok || !Equal(value, other) {
			return false
		}
	}
	return true
}

func fnAnd(e *Env, argument any) (any, error) {
	operands, err := e.operands("Fn::And", argument, 2, 10)
	for _, holds := range operands {
		if !holds {
			return false, err
		}
	}
	return true, err
}

func fnOr(e *Env, argument any) (any, error) {
	operands, err := e.operands("Fn::Or", argument, 2, 10)
	for _, holds := range operands {
		if holds {
			return true, err
		}
	}
	return false, err
}

func fnNot(e *Env, argument any) (any, error) {
	operands, err := e.operands("Fn::Not", argument, 1, 1)
	if err != nil {
		return nil, err
	}
	return !operands[0], nil
}

func (e *Env) operands(name string, argument any, least, most int) ([]bool, error) {
	list, ok := argument.([]any)
	if !ok || len(list) < least || len(list) > most {
		return nil, templatef("every %s object requires a list of at least %d and at most %d boolean parameters.", name, least, most)
	}
	result := make([]bool, 0, len(list))
	for _, item := range list {
		holds, err := e.holds(item)
		if err != nil {
			return nil, err
		}
		result = append(result, holds)
	}
	return result, nil
}

func fnContains(_ *Env, argument any) (any, error) {
	pair, ok := argument.([]any)
	if !ok || len(pair) != 2 {
		return nil, templatef("Fn::Contains requires a list argument with two elements")
	}
	list, ok := pair[0].([]any)
	if !ok {
		return nil, templatef("Fn::Contains requires a list as its first element")
	}
	return member(list, pair[1]), nil
}

func fnEachMemberIn(_ *Env, argument any) (any, error) {
	pair, ok := argument.([]any)
	if !ok || len(pair) != 2 {
		return nil, templatef("Fn::EachMemberIn requires a list argument with two elements")
	}
	items, okItems := pair[0].([]any)
	list, okList := pair[1].([]any)
	if !okItems || !okList {
		return nil, templatef("Fn::EachMemberIn requires two lists")
	}
	for _, item := range items {
		if !member(list, item) {
			return false, nil
		}
	}
	return true, nil
}

func member(list []any, value any) bool {
	for _, item := range list {
		if Equal(item, value) {
			return true
		}
	}
	return false
}
