package template

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// function computes an intrinsic function of its raw argument.
type function func(e *Env, argument any) (any, error)

var functions map[string]function

// The table is filled at start: its functions evaluate, and evaluation looks
// into the table, which a plain declaration could not express.
func init() {
	functions = map[string]function{
		"Ref":                fnRef,
		"Fn::GetAtt":         fnGetAtt,
		"Fn::Sub":            fnSub,
		"Fn::If":             fnIf,
		"Fn::Join":           evaluated(fnJoin),
		"Fn::Select":         evaluated(fnSelect),
		"Fn::Split":          evaluated(fnSplit),
		"Fn::FindInMap":      fnFindInMap,
		"Fn::ImportValue":    evaluated(fnImportValue),
		"Fn::GetStackOutput": evaluated(fnGetStackOutput),
		"Fn::GetAZs":         evaluated(fnGetAZs),
		"Fn::Base64":         evaluated(fnBase64),
		"Fn::Cidr":           evaluated(fnCidr),
		"Fn::Length":         evaluated(fnLength),
		"Fn::ToJsonString":   evaluated(fnToJSONString),
		"Fn::Equals":         evaluated(fnEquals),
		"Fn::And":            fnAnd,
		"Fn::Or":             fnOr,
		"Fn::Not":            fnNot,
		"Fn::Contains":       evaluated(fnContains),
		"Fn::EachMemberIn":   evaluated(fnEachMemberIn),
	}
}

// evaluated evaluates the argument first. The result of an unknown argument is
// unknown.
func evaluated(f function) function {
	return func(e *Env, argument any) (any, error) {
		value, err := e.Evaluate(argument)
		if err != nil {
			return nil, err
		}
		if IsUnknown(value) {
			return Unknown{}, nil
		}
		return f(e, value)
	}
}

func fnRef(e *Env, argument any) (any, error) {
	name, ok := argument.(string)
	if !ok {
		return nil, formatf("Every Ref object must have a single String value.")
	}
	return e.ref(name)
}

func fnGetAtt(e *Env, argument any) (any, error) {
	id, attribute, ok := getAtt(argument)
	if !ok {
		return nil, templatef("every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	name, err := e.Evaluate(attribute)
	if err != nil {
		return nil, err
	}
	text, ok := name.(string)
	if !ok || text == "" {
		return nil, templatef("every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	return e.attribute(id, text)
}

func fnSub(e *Env, argument any) (any, error) {
	text, variables, ok := substitution(argument)
	if !ok {
		return nil, templatef("One or more Fn::Sub intrinsic functions don't specify expected arguments. " +
			"Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string")
	}
	own, err := e.evaluateMap(variables)
	if err != nil {
		return nil, err
	}
	var result strings.Builder
	for _, part := range parseSub(text) {
		if part.name == "" {
			result.WriteString(part.text)
			continue
		}
		value, err := e.substitute(part.name, own.(map[string]any))
		if err != nil {
			return nil, err
		}
		if IsUnknown(value) {
			return Unknown{}, nil
		}
		piece, ok := Text(value)
		if !ok {
			return nil, templatef("Fn::Sub expression does not resolve to a string: %s", part.name)
		}
		result.WriteString(piece)
	}
	return result.String(), nil
}

func (e *Env) substitute(name string, own map[string]any) (any, error) {
	if value, ok := own[name]; ok {
		return value, nil
	}
	if id, attribute, found := strings.Cut(name, "."); found {
		return e.attribute(id, attribute)
	}
	return e.ref(name)
}

func fnIf(e *Env, argument any) (any, error) {
	arms, ok := argument.([]any)
	if !ok || len(arms) != 3 {
		return nil, templatef("Fn::If requires a list argument with three elements")
	}
	name, ok := arms[0].(string)
	if !ok {
		return nil, templatef("Fn::If requires the name of a condition as its first element")
	}
	holds, err := e.condition(name)
	if err != nil {
		return nil, err
	}
	if holds {
		return e.evaluate(arms[1])
	}
	return e.evaluate(arms[2])
}

func fnJoin(_ *Env, argument any) (any, error) {
	wrong := templatef("every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings " +
		"to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")
	pair, ok := argument.([]any)
	if !ok || len(pair) != 2 {
		return nil, wrong
	}
	delimiter, ok := pair[0].(string)
	if !ok {
		return nil, wrong
	}
	items, ok := textsOf(pair[1])
	if !ok {
		return nil, wrong
	}
	return strings.Join(items, delimiter), nil
}

// textsOf reads a list of scalars as texts.
func textsOf(value any) ([]string, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	result := make([]string, 0, len(list))
	for _, item := range list {
		text, ok := Text(item)
		if !ok {
			return nil, false
		}
		result = append(result, text)
	}
	return result, true
}

func fnSplit(_ *Env, argument any) (any, error) {
	pair, ok := textsOf(argument)
	if !ok || len(pair) != 2 || pair[0] == "" {
		return nil, templatef("every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split.")
	}
	result := []any{}
	for item := range strings.SplitSeq(pair[1], pair[0]) {
		result = append(result, item)
	}
	return result, nil
}

func fnImportValue(e *Env, argument any) (any, error) {
	name, ok := Text(argument)
	if !ok || e.Import == nil {
		return nil, templatef("the attribute in Fn::ImportValue must be a string or a function that returns a string")
	}
	return e.Import(name)
}

func fnGetAZs(e *Env, argument any) (any, error) {
	region, ok := Text(argument)
	if !ok {
		return nil, templatef("every Fn::GetAZs object requires a region")
	}
	if region == "" {
		region, _ = Text(e.Pseudo["AWS::Region"])
	}
	result := []any{}
	for _, zone := range e.Zones(region) {
		result = append(result, zone)
	}
	return result, nil
}

func fnBase64(_ *Env, argument any) (any, error) {
	text, ok := Text(argument)
	if !ok {
		return nil, templatef("every Fn::Base64 object must have a String-typed value.")
	}
	return base64.StdEncoding.EncodeToString([]byte(text)), nil
}

func fnLength(_ *Env, argument any) (any, error) {
	list, ok := argument.([]any)
	if !ok {
		return nil, templatef("Fn::Length requires a list")
	}
	return json.Number(itoa(len(list))), nil
}

func fnToJSONString(_ *Env, argument any) (any, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(argument); err != nil {
		return nil, templatef("Fn::ToJsonString: %v", err)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
