package diff

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Text returns the value of a property as text, with references as in Fn::Sub; "" if it has none.
func (r Resource) Text(property string) string { return format(r.Properties[property]) }

// format formats a value of a template for people: references as in Fn::Sub,
// joined texts as one text, anything else as JSON.
func format(value any) string {
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
			return "${" + format(list[0]) + "." + format(list[1]) + "}", true
		case function == "Fn::Sub" && isText:
			return text, true
		case function == "Fn::ImportValue":
			return "${import " + format(argument) + "}", true
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
		texts = append(texts, format(part))
	}
	return strings.Join(texts, format(list[0])), true
}

// many converts a value that may be a list into a list.
func many(value any) []any {
	switch v := value.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{value}
}
