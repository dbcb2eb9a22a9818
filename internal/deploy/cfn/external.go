package cfn

import (
	"encoding/json"
	"slices"
	"strings"
)

// Read is a stack whose outputs a template reads with Fn::GetStackOutput.
type Read struct {
	Stack   string // name
	Region  string // "" is the region of the reader
	RoleARN string // "" is the account of the reader
}

// Reads returns the stacks whose outputs a template reads, as far as it names
// them literally. It returns none for invalid JSON.
func Reads(template []byte) (reads []Read) {
	walkTemplate(template, func(name string, value any) {
		call, _ := value.(map[string]any)
		read := Read{Stack: plain(call["StackName"]), Region: plain(call["Region"]), RoleARN: plain(call["RoleArn"])}
		if name == getStackOutput && read.Stack != "" && !slices.Contains(reads, read) {
			reads = append(reads, read)
		}
	})
	return reads
}

func plain(value any) string {
	text, _ := value.(string)
	return text
}

const getStackOutput = "Fn::GetStackOutput"

// Reasons to create a change set to find out whether a stack changes: it depends
// on more than its template and its parameters.
const (
	readsSSM        = "some of its parameters come from SSM"
	readsOutputs    = "it reads outputs of other stacks"
	isTransformed   = "its template is completed by a macro"
	ownTransforms   = "AWS::LanguageExtensions AWS::Serverless-2016-10-31 AWS::SecretsManager-2020-07-23 AWS::SecretsManager-2024-09-16"
	transformCall   = "Fn::Transform"
	transformMember = "Transform"
)

// externalReason returns why the values of a stack may have changed although its
// templates have not, or "". It ignores the goal's own parameters.
//
// A dynamic reference such as {{resolve:ssm:/name}} does not count: to
// CloudFormation its text is the value, and a change set would be empty.
func (g Goal) externalReason() (reason string) {
	for _, template := range append([][]byte{g.Template}, g.Nested...) {
		walkTemplate(template, func(name string, value any) {
			switch {
			case name == getStackOutput:
				reason = readsOutputs
			case reason == "" && (name == transformCall || name == transformMember && hasMacro(value)):
				reason = isTransformed
			}
		})
	}
	return reason
}

// hasMacro reports whether a template's transforms depend on more than the
// template: on an included file, or on a function of the account.
func hasMacro(value any) bool {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	return slices.ContainsFunc(list, func(item any) bool {
		return !slices.Contains(strings.Fields(ownTransforms), plain(item))
	})
}

// walkTemplate calls visit for every section and every function call of a
// template.
func walkTemplate(template []byte, visit func(name string, value any)) {
	var sections map[string]any
	if json.Unmarshal(template, &sections) != nil {
		return
	}
	for name, value := range sections {
		visit(name, value)
	}
	for _, name := range []string{"Resources", "Outputs"} {
		walkCalls(sections[name], visit)
	}
}

func walkCalls(value any, visit func(name string, value any)) {
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			walkCalls(item, visit)
		}
	case map[string]any:
		for name, member := range v {
			if strings.HasPrefix(name, "Fn::") {
				visit(name, member)
			}
			walkCalls(member, visit)
		}
	}
}
