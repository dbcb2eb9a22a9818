package stacks

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unsupported are the members of the SDK's inputs that are refused.
var unsupported = map[string][]string{
	"CreateChangeSet":    {"DeploymentConfig", "DeploymentMode", "ResourceTypes", "ResourcesToImport", "RollbackConfiguration"},
	"CreateStack":        {"DeploymentConfig", "ResourceTypes", "RollbackConfiguration", "StackPolicyBody", "StackPolicyURL", "TimeoutInMinutes"},
	"DeleteStack":        {"DeploymentConfig"},
	"GetTemplateSummary": {"CallAs", "StackSetName", "TemplateSummaryConfig"},
	"ListImports":        {"NextToken"},
	"RollbackStack":      {"DeploymentConfig"},
	"UpdateStack": {
		"DeploymentConfig", "ResourceTypes", "RollbackConfiguration", "StackPolicyBody", "StackPolicyDuringUpdateBody",
		"StackPolicyDuringUpdateURL", "StackPolicyURL",
	},
}

// membersOf are the members that the SDK can send with an operation, and of
// those the enumerations.
func membersOf(t *testing.T, operation string) (all, enums []string) {
	t.Helper()
	method, ok := reflect.TypeFor[*cfn.Client]().MethodByName(operation)
	require.True(t, ok, "the SDK has no operation %s", operation)
	input := method.Type.In(2).Elem()
	for i := range input.NumField() {
		f := input.Field(i)
		if !f.IsExported() {
			continue
		}
		all = append(all, f.Name)
		if _, enum := f.Type.MethodByName("Values"); enum {
			enums = append(enums, f.Name)
		}
	}
	return all, enums
}

func TestEveryMemberOfAnInputIsHonouredOrRefusedByName(t *testing.T) {
	e := New(nil, Options{})
	defer e.Close()
	call := func(operation, member, value string) error {
		_, err := e.Call(t.Context(), Request{Operation: operation, Form: url.Values{"Action": {operation}, member: {value}}})
		return err
	}
	for operation := range operations {
		t.Run(operation, func(t *testing.T) {
			var handled []string
			for _, name := range inputs[operation] {
				name, _, _ = strings.Cut(name, ".")
				handled = append(handled, name)
			}
			all, enums := membersOf(t, operation)
			assert.ElementsMatch(t, all, append(slices.Clone(unsupported[operation]), handled...))
			for _, name := range append(unsupported[operation], "Misspelt") {
				for _, sent := range []string{name, name + ".Mode", name + ".member.1.Key"} {
					assert.ErrorContains(t, call(operation, sent, "x"), fmt.Sprintf("The simulator does not support %s", name), sent)
				}
			}
			for _, name := range enums {
				if slices.Contains(handled, name) && operation != "ListHookResults" {
					assert.ErrorContains(t, call(operation, name, "NONSENSE"), "Value 'NONSENSE' at '"+strings.ToLower(name[:1])+name[1:]+"'")
				}
			}
		})
	}
}

// What the table calls handled is read somewhere.
func TestWhatTheTableOfInputsHandlesIsRead(t *testing.T) {
	read := map[string]bool{}
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") || entry.Name() == "inputs.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				require.NoError(t, err)
				read[text] = true
			}
			return true
		})
	}
	for operation, names := range inputs {
		for _, name := range names {
			if operation != "ListHookResults" { // it lists none
				assert.True(t, read[name], "%s of %s", name, operation)
			}
		}
	}
}
