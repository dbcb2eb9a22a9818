package diff

import (
	"encoding/json"
	"fmt"
	"strings"
)

// words writes a value of a template as people read it: references as in
// Fn::Sub, texts that are joined as one text, anything else as JSON.
func words(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		if text, ok := reference(v); ok {
			return text
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

func reference(v map[string]any) (string, bool) {
	if len(v) != 1 {
		return "", false
	}
	for function, argument := range v {
		list, _ := argument.([]any)
		text, isText := argument.(string)
		switch {
		case function == "Ref" && isText:
			return "${" + text + "}", true
		case function == "Fn::GetAtt" && isText:
			return "${" + text + "}", true
		case function == "Fn::GetAtt" && len(list) == 2:
			return "${" + words(list[0]) + "." + words(list[1]) + "}", true
		case function == "Fn::Sub" && isText:
			return text, true
		case function == "Fn::ImportValue":
			return "${import " + words(argument) + "}", true
		case function == "Fn::Join" && len(list) == 2:
			return joined(list)
		}
	}
	return "", false
}

func joined(list []any) (string, bool) {
	parts, isList := list[1].([]any)
	if !isList {
		return "", false
	}
	texts := make([]string, 0, len(parts))
	for _, part := range parts {
		texts = append(texts, words(part))
	}
	return strings.Join(texts, words(list[0])), true
}

// many gives a value that may be one thing or a list of things as a list.
func many(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{value}
}
