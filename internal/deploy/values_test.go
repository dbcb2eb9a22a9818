package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// withParameters is a target whose template has these parameters.
func withParameters(t *testing.T, name, inCloudFormation, path, parameters string) target {
	t.Helper()
	file := filepath.Join(t.TempDir(), "template.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"Parameters":{`+parameters+`}}`), 0o600))
	return target{name: name, entry: name, stack: assembly.Stack{ID: name, Name: inCloudFormation, Path: path, Template: file}}
}

func TestAParameterAppliesToMatchingStacksAndTheMoreSpecificOneWins(t *testing.T) {
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
		over       []Parameter
		data, api  map[string]string
		says, hint string
	}{
		"none":                               {data: nil, api: nil},
		"plain":                              {configured: map[string]config.Parameter{"Level": entry("info")}, data: map[string]string{"Level": "info"}, api: map[string]string{"Level": "info"}},
		"of a stack before plain":            {configured: map[string]config.Parameter{"Level": entry("info"), "Api": of("Level", "debug")}, data: map[string]string{"Level": "info"}, api: map[string]string{"Level": "debug"}},
		"by path":                            {configured: map[string]config.Parameter{"Dev/Api": of("Count", "3")}, data: map[string]string{}, api: map[string]string{"Count": "3"}},
		"by pattern":                         {configured: map[string]config.Parameter{"Dev/*": of("Level", "x")}, data: map[string]string{"Level": "x"}, api: map[string]string{"Level": "x"}},
		"one given over all":                 {configured: map[string]config.Parameter{"Api": of("Level", "debug")}, over: []Parameter{{Key: "Level", Value: "warn"}}, data: map[string]string{"Level": "warn"}, api: map[string]string{"Level": "warn"}},
		"one given for a stack before plain": {over: []Parameter{{Key: "Level", Value: "a"}, {"Dev-Api", "Level", "b=c"}}, data: map[string]string{"Level": "a"}, api: map[string]string{"Level": "b=c"}},
		"a parameter nobody has":             {configured: map[string]config.Parameter{"Levle": entry("x")}, says: "a value is given for parameter Levle, but no stack of this environment has such a parameter", hint: "did you mean Level?"},
		"one that the stack lacks":           {over: []Parameter{{"Web", "Level", "x"}}, says: "a value is given for parameter Level, but stack Web has no such parameter"},
		"a stack that is not here":           {over: []Parameter{{"Wbe", "Level", "x"}}, says: `this environment deploys no stack "Wbe"`, hint: "did you mean Web?"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := &job{Request: For(config.Environment{Parameters: c.configured})}
			j.Parameters = append(j.Parameters, c.over...)
			found, err := j.parametersOf(targets)
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				assert.Equal(t, errs.Invalid, errs.KindOf(err))
				assert.Contains(t, errs.HintOf(err), c.hint)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.data, found["Data"])
			assert.Equal(t, c.api, found["Api"])
		})
	}
}

func TestAParameterThatIsNoAssignmentIsRefused(t *testing.T) {
	for _, text := range []string{"x", "=x", "A:=x", ":B=x"} {
		_, err := ParseParameters([]string{text})
		assert.Equal(t, errs.Invalid, errs.KindOf(err), text)
	}
}

func TestContextThatIsNoAssignmentOrOfTheCDKIsRefused(t *testing.T) {
	for _, text := range []string{"x", "=x", "aws:x=y"} {
		_, err := ParseContext([]string{text})
		assert.Equal(t, errs.Invalid, errs.KindOf(err), text)
	}
}
