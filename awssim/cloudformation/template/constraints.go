package template

import (
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (t *Template) constrain(values []Value) error {
	for _, v := range values {
		if err := t.Parameters[v.Key].accepts(v.Key, v.Effective()); err != nil {
			return err
		}
	}
	return nil
}

// accepts checks a value against the parameter's constraints; of a list, every
// item.
func (p Parameter) accepts(name, value string) error {
	items := []string{value}
	if p.list() {
		items = strings.Split(value, ",")
	}
	for _, item := range items {
		if complaint := p.complaint(strings.TrimSpace(item), item); complaint != "" {
			if p.ConstraintDescription != "" {
				complaint = "failed to satisfy constraint: " + p.ConstraintDescription
			}
			return plainf("Parameter %s %s", name, complaint)
		}
	}
	return nil
}

// complaint is what is wrong with a value, empty when nothing is.
func (p Parameter) complaint(trimmed, raw string) string {
	value := raw
	if p.list() {
		value = trimmed
	}
	if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, value) {
		return "must be one of AllowedValues"
	}
	if p.AllowedPattern != "" && !matches(p.AllowedPattern, value) {
		return "must match pattern " + p.AllowedPattern
	}
	if p.Type == "Number" || p.Type == "List<Number>" {
		return p.numberComplaint(value)
	}
	if limit, err := strconv.Atoi(p.MinLength); err == nil && len(value) < limit {
		return "must contain at least " + p.MinLength + " characters"
	}
	if limit, err := strconv.Atoi(p.MaxLength); err == nil && len(value) > limit {
		return "must contain at most " + p.MaxLength + " characters"
	}
	return ""
}

// matches is true for patterns that Go cannot read: they are Java's, and a
// value cannot be blamed for what is not understood.
func matches(pattern, value string) bool {
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	return err != nil || re.MatchString(value)
}

func (p Parameter) numberComplaint(value string) string {
	number, ok := new(big.Rat).SetString(value)
	if !ok {
		return "must be a number"
	}
	if limit, ok := new(big.Rat).SetString(p.MinValue); ok && number.Cmp(limit) < 0 {
		return "must be a number not less than " + p.MinValue
	}
	if limit, ok := new(big.Rat).SetString(p.MaxValue); ok && number.Cmp(limit) > 0 {
		return "must be a number not greater than " + p.MaxValue
	}
	return ""
}
