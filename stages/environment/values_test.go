package environment

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/assembly"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/fault"
)

// withParameters is a target whose template has these parameters.
func withParameters(t *testing.T, name, inCloudFormation, path, parameters string) target {
	t.Helper()
	file := filepath.Join(t.TempDir(), "template.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"Parameters":{`+parameters+`}}`), 0o600))
	return target{name: name, entry: name, stack: assembly.Stack{ID: name, Name: inCloudFormation, Path: path, Template: file}}
}

func TestAParameterGoesToTheStacksThatAreMeantAndTheNearerOneOutranks(t *testing.T) {
	targets := []target{
		withParameters(t, "Data", "Dev-Data", "Dev/Data", `"Size":{},"Level":{}`), withParameters(t, "Api", "Dev-Api", "Dev/Api", `"Level":{},"Count":{}`),
		withParameters(t, "Web", "Dev-Web", "Dev/Web", ``),
	}
	entry := func(value string) config.Parameter { return config.Parameter{Value: value} }
	of := func(key, value string) config.Parameter {
		return config.Parameter{OfStack: map[string]string{key: value}}
	}
	cases := map[string]struct {
		configured map[string]config.Parameter
		flags      []string
		data, api  map[string]string
		says, hint string
	}{
		"none":                        {data: nil, api: nil},
		"plain":                       {configured: map[string]config.Parameter{"Level": entry("info")}, data: map[string]string{"Level": "info"}, api: map[string]string{"Level": "info"}},
		"of a stack before plain":     {configured: map[string]config.Parameter{"Level": entry("info"), "Api": of("Level", "debug")}, data: map[string]string{"Level": "info"}, api: map[string]string{"Level": "debug"}},
		"by path":                     {configured: map[string]config.Parameter{"Dev/Api": of("Count", "3")}, data: map[string]string{}, api: map[string]string{"Count": "3"}},
		"by pattern":                  {configured: map[string]config.Parameter{"Dev/*": of("Level", "x")}, data: map[string]string{"Level": "x"}, api: map[string]string{"Level": "x"}},
		"a flag before all":           {configured: map[string]config.Parameter{"Api": of("Level", "debug")}, flags: []string{"Level=warn"}, data: map[string]string{"Level": "warn"}, api: map[string]string{"Level": "warn"}},
		"a stack's flag before plain": {flags: []string{"Dev-Api:Level=b=c", "Level=a"}, data: map[string]string{"Level": "a"}, api: map[string]string{"Level": "b=c"}},
		"a parameter nobody has":      {configured: map[string]config.Parameter{"Levle": entry("x")}, says: "there is a value for the parameter Levle, but no stack of this environment has such a parameter", hint: "did you mean Level?"},
		"one that the stack lacks":    {flags: []string{"Web:Level=x"}, says: "there is a value for the parameter Level, but the stack Web has no such parameter"},
		"a stack that is not here":    {flags: []string{"Wbe:Level=x"}, says: `this environment deploys no stack "Wbe"`, hint: "did you mean Web?"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			values, err := Input{Parameters: c.flags}.values()
			require.NoError(t, err)
			j := &job{Request: Request{Environment: config.Environment{Parameters: c.configured}, Values: values}}
			found, err := j.parametersOf(targets)
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				assert.Equal(t, fault.Invalid, fault.KindOf(err))
				assert.Contains(t, fault.HintOf(err), c.hint)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.data, found["Data"])
			assert.Equal(t, c.api, found["Api"])
		})
	}
}

func TestValuesOfFlagsThatAreNoAssignmentsAreRefused(t *testing.T) {
	for _, in := range []Input{{Parameters: []string{"x"}}, {Parameters: []string{"=x"}}, {Parameters: []string{"A:=x"}}, {Parameters: []string{":B=x"}}, {Context: []string{"x"}}, {Context: []string{"=x"}}, {Context: []string{"aws:x=y"}}} {
		_, err := in.values()
		assert.Equal(t, fault.Invalid, fault.KindOf(err), "%v %v", in.Parameters, in.Context)
	}
}
