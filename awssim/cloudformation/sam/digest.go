package sam

import (
	"crypto/sha1" //nolint:gosec // it names resources
	"encoding/hex"
	"encoding/json"
)

// digest is what follows logical ids that shall change with a value: ten
// digits, of the value with its parameters where they are known.
func (t *transform) digest(value any) string { return digest(t.known(value)) }

func digest(value any) string {
	text, isText := value.(string)
	if !isText {
		encoded, _ := json.Marshal(value)
		text = string(encoded)
	}
	sum := sha1.Sum([]byte(text)) //nolint:gosec // it names resources
	return hex.EncodeToString(sum[:])[:10]
}

// known copies a value with everything computed that does not need resources.
func (t *transform) known(value any) any {
	if intrinsic(value) != "" {
		if computed, err := t.Evaluate(value); err == nil {
			return computed
		}
	}
	return each(value, t.known)
}

// parameters copies a value with every Ref of a parameter replaced by its value.
func (t *transform) parameters(value any) any {
	if isRef(value) != "" {
		if computed, err := t.Evaluate(value); err == nil && computed != nil {
			return computed
		}
		return value
	}
	return each(value, t.parameters)
}
