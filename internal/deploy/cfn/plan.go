package cfn

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"go.yaml.in/yaml/v4"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// skipMark in the description of an SSM parameter means that a change of its value
// does not require a deployment; the CDK's bootstrap version has it.
const skipMark = "[cdk:skip]"

// declaredParameter is a parameter that a template declares.
type declaredParameter struct {
	Type        string
	Default     any
	Description string
}

// parameters are the values to send, and the resulting values of the stack.
type parameters struct {
	send   []types.Parameter
	values map[string]string
	ssm    bool // some come from SSM and may have changed there
}

// planParameters returns the values of the template's parameters: those of the
// goal, else of the stack, else the defaults. The error names all without a value.
func planParameters(goal Goal, previous map[string]string) (parameters, error) {
	template, given := goal.Template, goal.Parameters
	var doc struct{ Parameters map[string]declaredParameter }
	if err := json.Unmarshal(template, &doc); err != nil {
		return parameters{}, errs.Invalidf("the template is not JSON: %w", err)
	}
	p := parameters{values: map[string]string{}}
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(doc.Parameters)) {
		declared := doc.Parameters[name]
		if strings.HasPrefix(declared.Type, "AWS::SSM::Parameter::") && !strings.Contains(declared.Description, skipMark) {
			p.ssm = true
		}
		value, isGiven := given[name]
		before, had := previous[name]
		switch {
		case isGiven:
			p.set(name, value)
		case had:
			p.values[name] = before
			p.send = append(p.send, types.Parameter{ParameterKey: aws.String(name), UsePreviousValue: aws.Bool(true)})
		case declared.Default != nil:
			p.values[name] = fmt.Sprint(declared.Default)
		default:
			missing = append(missing, name)
		}
	}
	if missing != nil {
		for i, name := range missing {
			missing[i] = goal.resource(nil, name, "")
		}
		where := ""
		if goal.Path != "" {
			where = fmt.Sprintf(" (%s%s)", goal.Path, suffix(", ", goal.source(goal.Path)))
		}
		return p, errs.Invalidf("stack %q%s: no value for the parameters of the template: %s", goal.Name, where, strings.Join(missing, ", ")).
			WithHint("give them values with `parameters` of the environment in the configuration, with --parameters of deployer environment, or with a default in the CDK app")
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, declared := doc.Parameters[name]; !declared && given[name] != "" {
			p.set(name, given[name]) // CloudFormation reports the unknown parameter
		}
	}
	return p, nil
}

// Unset returns the parameters without a value in the goal and without a default.
// Only a deployed stack can have a value for these.
func (g Goal) Unset() (names []string) {
	var doc struct{ Parameters map[string]declaredParameter }
	if json.Unmarshal(g.Template, &doc) != nil {
		return nil // the deployment reports it
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Parameters)) {
		if _, given := g.Parameters[name]; !given && doc.Parameters[name].Default == nil {
			names = append(names, name)
		}
	}
	return names
}

// CheckParameters returns the error of Deploy for parameters without a value in
// the goal and in the stack; nil is no stack.
func CheckParameters(goal Goal, stack *types.Stack) error {
	previous := map[string]string{}
	if isUpdate(stack) {
		previous = previousValues(*stack)
	}
	_, err := planParameters(goal, previous)
	return err
}

func (p *parameters) set(name, value string) {
	p.values[name] = value
	p.send = append(p.send, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
}

// protectionChanged is the reason of a change without a change set.
const protectionChanged = "its termination protection changed"

// mustChange returns why the stack differs from its goal, or "". It reads the
// template last, as that takes an API call.
func mustChange(goal Goal, p parameters, stack types.Stack, template func() (string, error)) (string, error) {
	protected := aws.ToBool(stack.EnableTerminationProtection)
	switch {
	case strings.HasSuffix(string(stack.StackStatus), "FAILED"):
		return "it is " + string(stack.StackStatus), nil
	case protected != goal.TerminationProtection:
		return protectionChanged, nil
	case !maps.Equal(goal.Tags, tagsOf(stack)):
		return "its tags changed", nil
	case goal.NotificationARNs != nil && !sameElements(goal.NotificationARNs, stack.NotificationARNs):
		return "its notification ARNs changed", nil
	case goal.Alarms != nil && !goal.Alarms.are(stack.RollbackConfiguration):
		return "its rollback alarms changed", nil
	case p.ssm:
		return readsSSM, nil
	case !maps.Equal(p.values, previousValues(stack)):
		return parametersChanged, nil
	}
	deployed, err := template()
	if err != nil {
		return "", err
	}
	if !sameTemplate(goal.Template, []byte(deployed)) {
		return "its template changed", nil
	}
	return goal.externalReason(), nil
}

// previousValues returns the parameters of a stack, with the resolved values of SSM parameters.
func previousValues(stack types.Stack) map[string]string {
	values := map[string]string{}
	for _, p := range stack.Parameters {
		value := p.ParameterValue
		if p.ResolvedValue != nil {
			value = p.ResolvedValue
		}
		values[aws.ToString(p.ParameterKey)] = aws.ToString(value)
	}
	return values
}

func tagsOf(stack types.Stack) map[string]string {
	tags := map[string]string{}
	for _, tag := range stack.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

func sameElements(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

// sameTemplate compares the content of templates. A deployed one may be YAML, as
// the CDK CLI sends inline templates.
func sameTemplate(wanted, deployed []byte) bool {
	var left, right any
	if decodeJSON(wanted, &left) != nil || decodeJSON(deployed, &right) != nil && decodeYAML(deployed, &right) != nil {
		return bytes.Equal(wanted, deployed)
	}
	return reflect.DeepEqual(left, right)
}

// decodeYAML decodes into the same types as decodeJSON.
func decodeYAML(src []byte, into *any) error {
	var content any
	if err := yaml.Unmarshal(src, &content); err != nil {
		return fmt.Errorf("decoding YAML: %w", err)
	}
	text, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("encoding YAML as JSON: %w", err)
	}
	return decodeJSON(text, into)
}

// reencode copies a value that was decoded into another type.
func reencode(from, into any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return fmt.Errorf("encoding as JSON: %w", err)
	}
	return decodeJSON(text, into)
}

func decodeJSON(src []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(src))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// digest identifies a goal: "sha256:<hex>" over all inputs of a change set.
func digest(goal Goal) string {
	hash := sha256.New()
	goal.TemplateURL = ""                  // the template counts, not its location
	_ = json.NewEncoder(hash).Encode(goal) // plain values always encode
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

// token derives an idempotency token from what identifies a request, so that a
// retry after a crash has the same token.
func token(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	return "aphex-" + hex.EncodeToString(sum[:20])
}
