package cdkapp

import (
	"encoding/json"
	"strings"
)

// Command is a command line; in cdk.json it may also be a list of strings.
type Command string

// UnmarshalJSON decodes either form.
func (c *Command) UnmarshalJSON(src []byte) error {
	var words []string
	if json.Unmarshal(src, &words) == nil {
		*c = Command(strings.Join(words, " "))
		return nil
	}
	return json.Unmarshal(src, (*string)(c))
}
