package template

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func withParameter(t *testing.T, declaration string) *Template {
	t.Helper()
	parsed, err := Parse(`{"Parameters": {"P": ` + declaration + `}, "Resources": {"A": {"Type": "T"}}}`)
	require.NoError(t, err)
	return parsed
}

func TestParametersTakeTheGivenThePreviousOrTheDefaultValue(t *testing.T) {
	parsed := withParameter(t, `{"Type": "String", "Default": "usual"}`)
	previous := []Value{{Key: "P", Value: "before"}}
	for want, given := range map[string][]Argument{
		"usual": nil, "now": {{Key: "P", Value: "now"}}, "before": {{Key: "P", UsePrevious: true}},
	} {
		values, err := parsed.Arguments(given, previous, nil)
		require.NoError(t, err)
		assert.Equal(t, []Value{{Key: "P", Value: want}}, values)
	}
}

func TestWrongParametersAreRefusedWithTheServicesMessage(t *testing.T) {
	cases := map[string]struct {
		declaration string
		given       []Argument
		want        string
	}{
		"missing":           {`{"Type": "String"}`, nil, "Parameters: [P] must have values"},
		"unknown":           {`{"Type": "String"}`, []Argument{{Key: "Q", Value: "x"}}, "Parameters: [Q] do not exist in the template"},
		"no previous value": {`{"Type": "String"}`, []Argument{{Key: "P", UsePrevious: true}}, "Cannot specify usePreviousValue as true for a parameter key not in the previous template"},
		"not allowed":       {`{"Type": "String", "AllowedValues": ["a", "b"]}`, []Argument{{Key: "P", Value: "c"}}, "Parameter P must be one of AllowedValues"},
		"wrong pattern":     {`{"Type": "String", "AllowedPattern": "[a-z]+"}`, []Argument{{Key: "P", Value: "a1"}}, "Parameter P must match pattern [a-z]+"},
		"described":         {`{"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"}`, []Argument{{Key: "P", Value: "1"}}, "Parameter P failed to satisfy constraint: small letters"},
		"too short":         {`{"Type": "String", "MinLength": 3}`, []Argument{{Key: "P", Value: "ab"}}, "must contain at least 3 characters"},
		"too long":          {`{"Type": "String", "MaxLength": "1"}`, []Argument{{Key: "P", Value: "ab"}}, "must contain at most 1 characters"},
		"not a number":      {`{"Type": "Number"}`, []Argument{{Key: "P", Value: "ab"}}, "must be a number"},
		"too small":         {`{"Type": "Number", "MinValue": 2}`, []Argument{{Key: "P", Value: "1.5"}}, "must be a number not less than 2"},
		"too big in a list": {`{"Type": "List<Number>", "MaxValue": 2}`, []Argument{{Key: "P", Value: "1, 3"}}, "must be a number not greater than 2"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := withParameter(t, c.declaration).Arguments(c.given, nil, nil)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestParametersFromTheStoreAreResolved(t *testing.T) {
	store := func(name string) (string, string, error) {
		switch name {
		case "/version":
			return "33", "String", nil
		case "/secret":
			return "x", "SecureString", nil
		}
		return "", "", errors.New("no such parameter")
	}
	parsed := withParameter(t, `{"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/version"}`)
	values, err := parsed.Arguments(nil, nil, store)
	require.NoError(t, err)
	assert.Equal(t, []Value{{Key: "P", Value: "/version", Resolved: "33", Stored: true}}, values)

	_, err = parsed.Arguments([]Argument{{Key: "P", Value: "/absent"}}, nil, store)
	assert.EqualError(t, err, "Unable to fetch parameters [/absent] from parameter store for this account.")
	_, err = parsed.Arguments([]Argument{{Key: "P", Value: "/secret"}}, nil, store)
	assert.ErrorContains(t, err, "have types not supported by CloudFormation")
}

func TestARuleThatDoesNotHoldSaysWhatItAsserts(t *testing.T) {
	for version, refused := range map[string]bool{"5": true, "33": false} {
		parsed, err := Parse(fmt.Sprintf(`{
			"Parameters": {"V": {"Type": "String", "Default": %q}},
			"Rules": {"Check": {"Assertions": [{
				"Assert": {"Fn::Not": [{"Fn::Contains": [["1", "5"], {"Ref": "V"}]}]},
				"AssertDescription": "version 6 required"}]}},
			"Resources": {"A": {"Type": "T"}}}`, version))
		require.NoError(t, err)
		values, err := parsed.Arguments(nil, nil, nil)
		require.NoError(t, err)
		err = (&Env{Template: parsed, Arguments: values}).CheckRules()
		if refused {
			assert.ErrorContains(t, err, "version 6 required")
		} else {
			assert.NoError(t, err)
		}
	}
}
