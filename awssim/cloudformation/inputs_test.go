package cloudformation

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
	"CreateChangeSet":    {"DeploymentConfig.DisableRollback", "DeploymentMode", "ResourceTypes", "ResourcesToImport"},
	"CreateStack":        {"DeploymentConfig.DisableRollback", "ResourceTypes", "StackPolicyBody", "StackPolicyURL", "TimeoutInMinutes"},
	"DeleteStack":        {"DeploymentConfig.DisableRollback"},
	"GetTemplateSummary": {"CallAs", "StackSetName", "TemplateSummaryConfig.TreatUnrecognizedResourceTypesAsWarnings"},
	"ListImports":        {"NextToken"},
	"RollbackStack":      {"DeploymentConfig.DisableRollback"},
	"UpdateStack": {
		"DeploymentConfig.DisableRollback", "ResourceTypes", "StackPolicyBody", "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL", "StackPolicyURL",
	},
}

// membersOf are the members that the SDK can send in a struct, those of inner
// structs included, and of all these the enumerations.
func membersOf(input reflect.Type, prefix string) (all, enums []string) {
	for i := range input.NumField() {
		f := input.Field(i)
		switch _, enum := f.Type.MethodByName("Values"); {
		case !f.IsExported():
		case f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct:
			inner, innerEnums := membersOf(f.Type.Elem(), prefix+f.Name+".")
			all, enums = append(all, inner...), append(enums, innerEnums...)
		case enum:
			all, enums = append(all, prefix+f.Name), append(enums, prefix+f.Name)
		default:
			all = append(all, prefix+f.Name)
		}
	}
	return all, enums
}

func TestEveryMemberOfAnInputIsHonouredOrRefusedByName(t *testing.T) {
	e := New(nil, Options{})
	defer e.Close()
	call := func(operation, member, value string) error {
		err := e.Call(t.Context(), Request{Operation: operation, Form: url.Values{"Action": {operation}, member: {value}}})
		return err
	}
	for operation := range operations {
		t.Run(operation, func(t *testing.T) {
			method, ok := reflect.TypeFor[*cfn.Client]().MethodByName(operation)
			require.True(t, ok, "the SDK has no such operation")
			all, enums := membersOf(method.Type.In(2).Elem(), "")
			assert.ElementsMatch(t, all, with(inputs[operation], unsupported[operation]...))
			for _, name := range with(unsupported[operation], "Misspelt") {
				for _, sent := range []string{name, name + ".member.1.Key"} {
					assert.ErrorContains(t, call(operation, sent, "x"), fmt.Sprintf("The simulator does not support %s", name), sent)
				}
			}
			for _, name := range enums {
				if slices.Contains(inputs[operation], name) && operation != "ListHookResults" {
					assert.ErrorContains(t, call(operation, name, "NONSENSE"), "NONSENSE")
				}
			}
		})
	}
}

// Every input that the table calls handled is read.
func TestEverySupportedInputIsRead(t *testing.T) {
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
			// ListHookResults has none to choose from; what has one value is checked, and then known.
			if operation != "ListHookResults" && len(choices[name]) != 1 {
				assert.True(t, read[name], "%s of %s", name, operation)
			}
		}
	}
}
