package template

import "strings"

// CheckRules evaluates the template's rules and names the assertions that do
// not hold.
func (e *Env) CheckRules() error {
	var failed []string
	for _, name := range sortedKeys(e.Template.Rules) {
		rule := e.Template.Rules[name]
		if rule.Condition != nil {
			applies, err := e.holds(rule.Condition)
			if err != nil {
				return err
			}
			if !applies {
				continue
			}
		}
		complaints, err := e.complaints(rule)
		if err != nil {
			return err
		}
		failed = append(failed, complaints...)
	}
	if len(failed) > 0 {
		return templatef("Rule assertion failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

func (e *Env) complaints(rule Rule) ([]string, error) {
	var result []string
	for _, assertion := range rule.Assertions {
		holds, err := e.holds(assertion.Assert)
		if err != nil {
			return nil, err
		}
		if !holds {
			result = append(result, assertion.Description)
		}
	}
	return result, nil
}
