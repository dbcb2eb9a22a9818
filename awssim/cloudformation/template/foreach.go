package template

import "strings"

const (
	loopPrefix = "Fn::ForEach::"
	maxMade    = 20_000
)

// extended runs AWS::LanguageExtensions: loops are written out, and names in
// Ref and Fn::GetAtt that are computed become plain. Its other functions are
// evaluated with the rest.
func (p *processor) extended(root map[string]any) (map[string]any, error) {
	result, err := p.extend(root)
	if err != nil {
		return nil, err
	}
	return result.(map[string]any), nil
}

func (p *processor) extend(value any) (any, error) {
	switch v := value.(type) {
	case []any:
		result := make([]any, len(v))
		for i, item := range v {
			copied, err := p.extend(item)
			if err != nil {
				return nil, err
			}
			result[i] = copied
		}
		return result, nil
	case map[string]any:
		return p.extendMap(v)
	}
	return value, nil
}

func (p *processor) extendMap(members map[string]any) (any, error) {
	result := make(map[string]any, len(members))
	add := func(key string, value any) error {
		if _, twice := result[key]; twice {
			return formatf("duplicate key %s", key)
		}
		result[key] = value
		return nil
	}
	for _, key := range sortedKeys(members) {
		if strings.HasPrefix(key, loopPrefix) {
			if err := p.loop(key, members[key], add); err != nil {
				return nil, err
			}
			continue
		}
		value, err := p.extend(members[key])
		if err != nil {
			return nil, err
		}
		if err := add(key, value); err != nil {
			return nil, err
		}
	}
	return p.named(result)
}

// loop writes a loop out: [identifier, collection, {key: value}].
func (p *processor) loop(name string, argument any, add func(string, any) error) error {
	parts, _ := argument.([]any)
	if len(parts) != 3 {
		return templatef("%s must be a list of an identifier, a collection and a map", name)
	}
	identifier, isText := parts[0].(string)
	_, isMap := parts[2].(map[string]any)
	if !isText || !isMap {
		return templatef("%s must be a list of an identifier, a collection and a map", name)
	}
	collection, err := p.env.Evaluate(parts[1])
	if err != nil {
		return err
	}
	items, ok := textsOf(collection)
	if !ok {
		return templatef("the collection of %s must be a list of strings that is known before the deployment", name)
	}
	for _, item := range items {
		made, err := p.extend(replaced(parts[2], identifier, item))
		if err != nil {
			return err
		}
		for _, key := range sortedKeys(made.(map[string]any)) {
			if p.made++; p.made > maxMade {
				return templatef("%s makes more than %d members", name, maxMade)
			}
			if err := add(key, made.(map[string]any)[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaced copies the body of a loop with the identifier replaced by an item:
// ${Identifier} and &{Identifier} in texts and keys, which the second form
// leaves letters and digits only, and Ref of it.
func replaced(value any, identifier, item string) any {
	switch v := value.(type) {
	case string:
		return replacedText(v, identifier, item)
	case []any:
		result := make([]any, len(v))
		for i, member := range v {
			result[i] = replaced(member, identifier, item)
		}
		return result
	case map[string]any:
		if name, argument, ok := call(v); ok && name == "Ref" && argument == identifier {
			return item
		}
		result := make(map[string]any, len(v))
		for key, member := range v {
			result[replacedText(key, identifier, item)] = replaced(member, identifier, item)
		}
		return result
	}
	return value
}

func replacedText(text, identifier, item string) string {
	plain := strings.Map(func(r rune) rune {
		if alphanumeric.MatchString(string(r)) {
			return r
		}
		return -1
	}, item)
	text = strings.ReplaceAll(text, "${"+identifier+"}", item)
	return strings.ReplaceAll(text, "&{"+identifier+"}", plain)
}

// named makes plain what Ref and Fn::GetAtt compute the names of.
func (p *processor) named(members map[string]any) (any, error) {
	name, argument, ok := call(members)
	if !ok || name != "Ref" && name != "Fn::GetAtt" {
		return members, nil
	}
	if _, plain := argument.(string); plain {
		return members, nil
	}
	value, err := p.env.Evaluate(argument)
	if err != nil {
		return nil, err
	}
	return map[string]any{name: value}, nil
}
