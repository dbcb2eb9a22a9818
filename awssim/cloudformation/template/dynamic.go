package template

import (
	"regexp"
	"strings"
)

// dynamicReference is {{resolve:service:what}}.
var dynamicReference = regexp.MustCompile(`\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]+)\}\}`)

// Lookup answers a dynamic reference, such as "ssm" and "/name:3".
type Lookup func(service, reference string) (string, error)

// ResolveDynamic replaces the dynamic references in all texts of a value.
func ResolveDynamic(value any, lookUp Lookup) (any, error) {
	switch v := value.(type) {
	case string:
		return resolveText(v, lookUp)
	case []any:
		result := make([]any, len(v))
		for i, item := range v {
			resolved, err := ResolveDynamic(item, lookUp)
			if err != nil {
				return nil, err
			}
			result[i] = resolved
		}
		return result, nil
	case map[string]any:
		result := make(map[string]any, len(v))
		for _, key := range sortedKeys(v) {
			resolved, err := ResolveDynamic(v[key], lookUp)
			if err != nil {
				return nil, err
			}
			result[key] = resolved
		}
		return result, nil
	}
	return value, nil
}

func resolveText(text string, lookUp Lookup) (string, error) {
	if !strings.Contains(text, "{{resolve:") {
		return text, nil
	}
	var failure error
	result := dynamicReference.ReplaceAllStringFunc(text, func(match string) string {
		parts := dynamicReference.FindStringSubmatch(match)
		value, err := lookUp(parts[1], parts[2])
		if err != nil && failure == nil {
			failure = err
		}
		return value
	})
	return result, failure
}
