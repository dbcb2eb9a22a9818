package template

import (
	"regexp"
	"strings"
)

var (
	parameterMembers = []string{
		"AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description",
		"MaxLength", "MaxValue", "MinLength", "MinValue", "NoEcho", "Type",
	}
	// parameterTypes are the plain types, those of AWS resources, and lists.
	parameterTypes = regexp.MustCompile(
		`^(String|Number|CommaDelimitedList|List<(Number|String|AWS::[A-Za-z0-9:]+)>|AWS::[A-Za-z0-9:]+)$`)
	ssmType = regexp.MustCompile(`^AWS::SSM::Parameter::Value<(.+)>$`)
)

func readParameters(root map[string]any, t *Template) error {
	members, err := section(root, "Parameters")
	if err != nil {
		return err
	}
	if len(members) > 200 {
		return formatf("Number of parameters, %d, is greater than maximum allowed, 200", len(members))
	}
	t.Parameters = make(map[string]Parameter, len(members))
	for _, name := range sortedKeys(members) {
		if t.Parameters[name], err = readParameter(name, members[name]); err != nil {
			return err
		}
	}
	return nil
}

func readParameter(name string, member map[string]any) (Parameter, error) {
	if !alphanumeric.MatchString(name) {
		return Parameter{}, formatf("Parameter name %s is non alphanumeric.", name)
	}
	if err := knownMembers(member, parameterMembers, "Invalid template parameter property '%s'"); err != nil {
		return Parameter{}, err
	}
	var p Parameter
	if p.Type, _ = member["Type"].(string); p.Type == "" {
		return p, formatf("Every Parameters object must contain a Type member.")
	}
	if !known(p.Type) {
		return p, formatf("Unrecognized parameter type: %s", p.Type)
	}
	if value, given := member["Default"]; given {
		text, ok := Text(value)
		if !ok {
			return p, formatf("Every Default member must be a string.")
		}
		p.Default = &text
	}
	echo, _ := Text(member["NoEcho"])
	p.NoEcho = strings.EqualFold(echo, "true")
	readConstraints(member, &p)
	return p, nil
}

func known(typ string) bool {
	if inner := ssmType.FindStringSubmatch(typ); inner != nil {
		return parameterTypes.MatchString(inner[1])
	}
	return parameterTypes.MatchString(typ)
}

func readConstraints(member map[string]any, p *Parameter) {
	for name, target := range map[string]*string{
		"Description": &p.Description, "AllowedPattern": &p.AllowedPattern,
		"ConstraintDescription": &p.ConstraintDescription,
		"MinLength":             &p.MinLength, "MaxLength": &p.MaxLength,
		"MinValue": &p.MinValue, "MaxValue": &p.MaxValue,
	} {
		*target, _ = Text(member[name])
	}
	values, _ := member["AllowedValues"].([]any)
	for _, value := range values {
		text, _ := Text(value)
		p.AllowedValues = append(p.AllowedValues, text)
	}
}

// FromStore reports whether the parameter's value is the name of an SSM parameter,
// whose value is what the template sees.
func (p Parameter) FromStore() bool { return ssmType.MatchString(p.Type) }

// list reports whether the template sees a list.
func (p Parameter) list() bool {
	typ := p.Type
	if inner := ssmType.FindStringSubmatch(typ); inner != nil {
		typ = inner[1]
	}
	return typ == "CommaDelimitedList" || strings.HasPrefix(typ, "List<")
}

// seen is what Ref gives for a value of the parameter.
func (p Parameter) seen(value string) any {
	if !p.list() {
		return value
	}
	items := []any{}
	for item := range strings.SplitSeq(value, ",") {
		items = append(items, strings.TrimSpace(item))
	}
	return items
}
