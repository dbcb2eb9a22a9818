package policy

import (
	"fmt"
	"sort"
	"strings"
)

// Condition is one operator over one key, such as StringEquals on
// sts:ExternalId. All conditions of a statement must hold; one of the values
// is enough.
type Condition struct {
	Operator string // without set prefix and IfExists
	Key      string
	Values   []string
	Set      string // "", ForAnyValue or ForAllValues
	IfExists bool
}

func parseConditions(raw map[string]map[string]list) ([]Condition, error) {
	var conditions []Condition
	for name, keys := range raw {
		for key, values := range keys {
			condition, err := newCondition(name, key, values)
			if err != nil {
				return nil, err
			}
			conditions = append(conditions, condition)
		}
	}
	sort.Slice(conditions, func(i, j int) bool {
		return conditions[i].Operator+conditions[i].Key < conditions[j].Operator+conditions[j].Key
	})
	return conditions, nil
}

func newCondition(name, key string, values []string) (Condition, error) {
	condition := Condition{Operator: name, Key: key, Values: values}
	if set, operator, ok := strings.Cut(name, ":"); ok {
		if set != "ForAnyValue" && set != "ForAllValues" {
			return Condition{}, fmt.Errorf("invalid condition operator: %q", name)
		}
		condition.Set, condition.Operator = set, operator
	}
	condition.Operator, condition.IfExists = strings.CutSuffix(condition.Operator, "IfExists")
	if _, known := operators[condition.Operator]; !known && condition.Operator != "Null" {
		return Condition{}, fmt.Errorf("invalid condition operator: %q", name)
	}
	return condition, nil
}

// holds evaluates the condition against the request's keys.
func (c Condition) holds(keys Keys) bool {
	actual, present := keys.get(c.Key)
	wanted := make([]string, len(c.Values))
	for i, value := range c.Values {
		wanted[i] = expand(value, keys)
	}
	if c.Operator == "Null" {
		return anyOf(wanted, func(want string) bool { return (want == "true") == !present })
	}
	if !present {
		return c.IfExists || c.Set == "ForAllValues" || operators[c.Operator].negated
	}
	one := func(value string) bool { return c.compare(value, wanted) }
	if c.Set == "ForAllValues" {
		return allOf(actual, one)
	}
	return anyOf(actual, one)
}

// compare reports whether one value of the request fits one of the wanted values;
// for a negated operator, whether it fits none.
func (c Condition) compare(value string, wanted []string) bool {
	operator := operators[c.Operator]
	fits := anyOf(wanted, func(want string) bool { return operator.fits(value, want) })
	return fits != operator.negated
}

// expand replaces policy variables such as ${aws:PrincipalTag/team}.
func expand(text string, keys Keys) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(before)
		out.WriteString(variable(name, keys))
		text = after
	}
}

func variable(name string, keys Keys) string {
	switch name {
	case "*", "?", "$":
		return name
	}
	name, fallback, _ := strings.Cut(name, ",")
	if values, ok := keys.get(strings.TrimSpace(name)); ok && len(values) == 1 {
		return values[0]
	}
	return strings.Trim(strings.TrimSpace(fallback), "'")
}

func anyOf(values []string, holds func(string) bool) bool {
	for _, value := range values {
		if holds(value) {
			return true
		}
	}
	return false
}

func allOf(values []string, holds func(string) bool) bool {
	return !anyOf(values, func(value string) bool { return !holds(value) })
}
