package config

import "encoding/json"

// UnmarshalJSON reads a stack that is written inline, or its name alone.
func (s *Stack) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, &s.Name)
	}
	type plain Stack
	return json.Unmarshal(data, (*plain)(s))
}
