package localrun

import (
	"fmt"
	"regexp"
)

// condition matches the only form of a condition that is known: two texts that
// are compared, or a text and a regular expression that is looked for in it. No
// text has a quote, which Argo would take for its end.
var condition = regexp.MustCompile(`^'([^']*)' (==|!=|=~|!~) '([^']*)'$`)

// holds evaluates a condition as Argo does.
func holds(text string) (bool, error) {
	parts := condition.FindStringSubmatch(text)
	if parts == nil {
		return false, fmt.Errorf("the local run does not support the condition %q", text)
	}
	left, operator, right := parts[1], parts[2], parts[3]
	switch operator {
	case "==":
		return left == right, nil
	case "!=":
		return left != right, nil
	}
	pattern, err := regexp.Compile(right)
	if err != nil {
		return false, fmt.Errorf("reading the condition %q: %w", text, err)
	}
	return pattern.MatchString(left) == (operator == "=~"), nil
}
