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

// skipMark in the description of an SSM parameter says that its value may
// change without the stack being deployed again; the CDK's bootstrap version has it.
const skipMark = "[cdk:skip]"

// formal is a parameter that a template declares.
type formal struct {
	Type        string
	Default     any
	Description string
}

// parameters are the values to send, and what the stack would then have.
type parameters struct {
	send   []types.Parameter
	values map[string]string
	ssm    bool // some come from SSM and may have changed there
}

// planParameters fills the template's parameters: what is given, else what the
// stack had, else the default. It names all for which there is neither.
func planParameters(goal Goal, previous map[string]string) (parameters, error) {
	template, given := goal.Template, goal.Parameters
	var doc struct{ Parameters map[string]formal }
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
		return p, errs.Invalidf("stack %q%s: the template's parameters %s have no value", goal.Name, where, strings.Join(missing, ", ")).
			WithHint("give them values with `parameters` of the environment in the configuration or with --parameters, or a default in the CDK app")
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, declared := doc.Parameters[name]; !declared && given[name] != "" {
			p.set(name, given[name]) // CloudFormation's own words say that it is unknown
		}
	}
	return p, nil
}

// Unset gives the parameters that a template declares without a default and
// that the goal gives no value: only a stack that is deployed can have one.
func (g Goal) Unset() (names []string) {
	var doc struct{ Parameters map[string]formal }
	if json.Unmarshal(g.Template, &doc) != nil {
		return nil // a deployment reports it
	}
	for _, name := range slices.Sorted(maps.Keys(doc.Parameters)) {
		if _, given := g.Parameters[name]; !given && doc.Parameters[name].Default == nil {
			names = append(names, name)
		}
	}
	return names
}

// CheckParameters is the error of Deploy for parameters that have no value:
// neither the goal gives one nor the stack has one, nil being no stack.
func CheckParameters(goal Goal, stack *types.Stack) error {
	previous := map[string]string{}
	if isThere(stack) {
		previous = previousValues(*stack)
	}
	_, err := planParameters(goal, previous)
	return err
}

func (p *parameters) set(name, value string) {
	p.values[name] = value
	p.send = append(p.send, types.Parameter{ParameterKey: aws.String(name), ParameterValue: aws.String(value)})
}

// protectionChanged is the reason for a change that needs no change set.
const protectionChanged = "its termination protection changed"

// mustChange says why the stack needs a change set, or "" if it is as the goal
// wants it. The template is asked for last, as it costs a call.
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
	case p.ssm:
		return readsSSM, nil
	case !maps.Equal(p.values, previousValues(stack)):
		return "its parameters changed", nil
	}
	deployed, err := template()
	if err != nil {
		return "", err
	}
	if !sameTemplate(goal.Template, []byte(deployed)) {
		return "its template changed", nil
	}
	return goal.outside(), nil
}

// previousValues are the parameters that a stack has; of those from SSM, what was found there.
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

// sameTemplate compares what templates say. A deployed one may be YAML: that is
// how the CDK CLI sends a template inline.
func sameTemplate(wanted, deployed []byte) bool {
	var left, right any
	if decodeJSON(wanted, &left) != nil || decodeJSON(deployed, &right) != nil && decodeYAML(deployed, &right) != nil {
		return bytes.Equal(wanted, deployed)
	}
	return reflect.DeepEqual(left, right)
}

// decodeYAML gives what decodeJSON would for the same content.
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

func decodeJSON(src []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(src))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// digest tells goals apart: "sha256:<hex>" over everything that a change set is made of.
func digest(goal Goal) string {
	hash := sha256.New()
	goal.TemplateURL = ""                  // the place does not matter, the template does
	_ = json.NewEncoder(hash).Encode(goal) // plain values always encode
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}

// token makes an idempotency token of what distinguishes one request from
// another: the same words give the same token, after a crash too.
func token(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	return "aphex-" + hex.EncodeToString(sum[:20])
}
