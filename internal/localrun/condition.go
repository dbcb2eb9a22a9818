package localrun

import (
	"fmt"
	"regexp"
)

// condition matches the supported form of a condition: two texts that
// are compared, or a text and a regular expression that is matched against it. No
// text has a quote, which would end it in Argo.
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
