package template

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// environment is an Env over a template with one of everything.
func environment(t *testing.T) *Env {
	t.Helper()
	parsed, err := Parse(`{
		"Parameters": {
			"Stage": {"Type": "String", "Default": "prod"},
			"Names": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
			"Empty": {"Type": "CommaDelimitedList", "Default": ""},
			"Count": {"Type": "Number", "Default": 3}
		},
		"Mappings": {"Sizes": {"eu-west-1": {"Small": "t3.small", "List": ["x", "y"]}}},
		"Conditions": {
			"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
			"IsDev": {"Fn::Not": [{"Condition": "IsProd"}]},
			"Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsDev"}]},
			"Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsDev"}]}
		},
		"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}, "New": {"Type": "AWS::SNS::Topic"}}
	}`)
	require.NoError(t, err)
	values, err := parsed.Arguments(nil, nil, nil)
	require.NoError(t, err)
	return &Env{
		Template:  parsed,
		Arguments: values,
		Pseudo: map[string]any{
			"AWS::Region": "eu-west-1", "AWS::AccountId": "012345678901", "AWS::NotificationARNs": []any{},
		},
		Resource: func(id string) (any, error) {
			if id == "New" {
				return Unknown{}, nil
			}
			return "physical-" + id, nil
		},
		Attribute: func(id, name string) (any, error) {
			if id == "New" {
				return Unknown{}, nil
			}
			return id + "/" + name, nil
		},
		Import: func(name string) (any, error) {
			if name == "absent" {
				return nil, fmt.Errorf("No export named %s found.", name)
			}
			return "imported " + name, nil
		},
		Zones: func(region string) []string { return []string{region + "a", region + "b"} },
	}
}

func TestIntrinsicFunctionsGiveTheirValues(t *testing.T) {
	cases := map[string]struct{ expression, want string }{
		"a text stays itself":                       {`"x"`, `"x"`},
		"a number keeps its text":                   {`1.10`, `1.10`},
		"Ref of a parameter":                        {`{"Ref": "Stage"}`, `"prod"`},
		"Ref of a list parameter":                   {`{"Ref": "Names"}`, `["a","b","c"]`},
		"Ref of an empty list is one empty text":    {`{"Ref": "Empty"}`, `[""]`},
		"Ref of a number parameter is a text":       {`{"Ref": "Count"}`, `"3"`},
		"Ref of a pseudo parameter":                 {`{"Ref": "AWS::Region"}`, `"eu-west-1"`},
		"Ref of a resource":                         {`{"Ref": "Bucket"}`, `"physical-Bucket"`},
		"Ref of no value leaves a member out":       {`{"a": {"Ref": "AWS::NoValue"}, "b": 1}`, `{"b":1}`},
		"Ref of no value leaves an item out":        {`[{"Ref": "AWS::NoValue"}, 2]`, `[2]`},
		"GetAtt as a list":                          {`{"Fn::GetAtt": ["Bucket", "Arn"]}`, `"Bucket/Arn"`},
		"GetAtt as a text":                          {`{"Fn::GetAtt": "Bucket.Endpoint.Port"}`, `"Bucket/Endpoint.Port"`},
		"GetAtt with a computed attribute":          {`{"Fn::GetAtt": ["Bucket", {"Ref": "Stage"}]}`, `"Bucket/prod"`},
		"Sub of everything":                         {`{"Fn::Sub": "${Stage}-${AWS::Region}-${Bucket}-${Bucket.Arn}-${!Literal}"}`, `"prod-eu-west-1-physical-Bucket-Bucket/Arn-${Literal}"`},
		"Sub with variables of its own":             {`{"Fn::Sub": ["${A}${Stage}", {"A": {"Ref": "Count"}}]}`, `"3prod"`},
		"Sub leaves an open brace alone":            {`{"Fn::Sub": "$ {x} ${"}`, `"$ {x} ${"`},
		"Join":                                      {`{"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 1, true]]}`, `"a-prod-1-true"`},
		"Join of a list parameter":                  {`{"Fn::Join": ["", {"Ref": "Empty"}]}`, `""`},
		"Select":                                    {`{"Fn::Select": [1, {"Ref": "Names"}]}`, `"b"`},
		"Select with an index that is text":         {`{"Fn::Select": ["0", ["x"]]}`, `"x"`},
		"Split":                                     {`{"Fn::Split": [",", "a,b,"]}`, `["a","b",""]`},
		"FindInMap":                                 {`{"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "Small"]}`, `"t3.small"`},
		"FindInMap of a list":                       {`{"Fn::FindInMap": ["Sizes", "eu-west-1", "List"]}`, `["x","y"]`},
		"FindInMap with a default":                  {`{"Fn::FindInMap": ["Sizes", "nowhere", "Small", {"DefaultValue": {"Ref": "Stage"}}]}`, `"prod"`},
		"If that holds":                             {`{"Fn::If": ["IsProd", "yes", "no"]}`, `"yes"`},
		"If that does not hold":                     {`{"Fn::If": ["IsDev", "yes", {"Ref": "Stage"}]}`, `"prod"`},
		"If evaluates the taken branch only":        {`{"Fn::If": ["IsProd", "yes", {"Fn::ImportValue": "absent"}]}`, `"yes"`},
		"If with no value":                          {`{"a": {"Fn::If": ["IsDev", "yes", {"Ref": "AWS::NoValue"}]}}`, `{}`},
		"And":                                       {`{"Fn::If": ["Both", 1, 0]}`, `0`},
		"Or":                                        {`{"Fn::If": ["Either", 1, 0]}`, `1`},
		"ImportValue":                               {`{"Fn::ImportValue": {"Fn::Sub": "${Stage}-x"}}`, `"imported prod-x"`},
		"GetAZs of the own region":                  {`{"Fn::GetAZs": ""}`, `["eu-west-1a","eu-west-1b"]`},
		"GetAZs of a named region":                  {`{"Fn::GetAZs": "us-east-1"}`, `["us-east-1a","us-east-1b"]`},
		"Base64":                                    {`{"Fn::Base64": "hello"}`, `"aGVsbG8="`},
		"Cidr":                                      {`{"Fn::Cidr": ["10.0.0.0/24", 3, 5]}`, `["10.0.0.0/27","10.0.0.32/27","10.0.0.64/27"]`},
		"Cidr with the usual host bits":             {`{"Fn::Cidr": ["10.1.0.0/16", "2"]}`, `["10.1.0.0/24","10.1.1.0/24"]`},
		"Cidr of IPv6":                              {`{"Fn::Cidr": ["2001:db8::/56", 2, 64]}`, `["2001:db8::/64","2001:db8:0:1::/64"]`},
		"Length":                                    {`{"Fn::Length": {"Ref": "Names"}}`, `3`},
		"ToJsonString":                              {`{"Fn::ToJsonString": {"b": [1, "<x>"], "a": {"Ref": "Stage"}}}`, `"{\"a\":\"prod\",\"b\":[1,\"<x>\"]}"`},
		"Contains":                                  {`{"Fn::Contains": [["1", "3"], {"Ref": "Count"}]}`, `true`},
		"EachMemberIn":                              {`{"Fn::EachMemberIn": [{"Ref": "Names"}, ["a", "b"]]}`, `false`},
		"Condition is a plain member in properties": {`{"Condition": "IsProd"}`, `{"Condition":"IsProd"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			expression, err := fromJSON([]byte(c.expression))
			require.NoError(t, err)
			value, err := environment(t).Evaluate(expression)
			require.NoError(t, err)
			got := encode(t, value)
			assert.JSONEq(t, c.want, got)
			assert.Equal(t, c.want, got)
		})
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := fnToJSONString(nil, value)
	require.NoError(t, err)
	return text.(string)
}

func TestWhatIsComputedFromTheUnknownIsUnknown(t *testing.T) {
	for _, expression := range []string{
		`{"Ref": "New"}`, `{"Fn::GetAtt": ["New", "Arn"]}`, `{"Fn::Sub": "x-${New.Arn}"}`,
		`{"Fn::Join": ["-", ["a", {"Ref": "New"}]]}`, `{"Fn::Select": [0, [{"Ref": "New"}]]}`,
		`{"Fn::Split": [",", {"Ref": "New"}]}`, `{"Fn::Base64": {"Ref": "New"}}`,
		`{"Fn::FindInMap": ["Sizes", {"Ref": "New"}, "Small"]}`, `{"Fn::ToJsonString": {"a": {"Ref": "New"}}}`,
		`{"Fn::ImportValue": {"Ref": "New"}}`,
	} {
		parsed, err := fromJSON([]byte(expression))
		require.NoError(t, err)
		value, err := environment(t).Evaluate(parsed)
		require.NoError(t, err, expression)
		assert.Equal(t, Unknown{}, value, expression)
	}
}

func TestWrongUseOfFunctionsIsRefusedWithTheServicesMessage(t *testing.T) {
	cases := map[string]string{
		`{"Fn::Join": ["-"]}`:                              "every Fn::Join object requires two parameters",
		`{"Fn::Select": [7, ["a"]]}`:                       "Fn::Select cannot select nonexistent value at index 7",
		`{"Fn::FindInMap": ["Sizes", "nowhere", "Small"]}`: "Unable to get mapping for Sizes::nowhere::Small",
		`{"Fn::ImportValue": "absent"}`:                    "No export named absent found.",
		`{"Fn::Nonsense": 1}`:                              "Encountered unsupported function: Fn::Nonsense",
		`{"Ref": "Nowhere"}`:                               "Unresolved resource dependencies [Nowhere]",
		`{"Fn::GetAtt": ["Nowhere", "Arn"]}`:               "references undefined resource Nowhere",
		`{"Fn::If": ["NoSuch", 1, 2]}`:                     "Unresolved condition dependency NoSuch",
		`{"Fn::Cidr": ["10.0.0.0/30", 9, 2]}`:              "can not fit",
		`{"Fn::Transform": {"Name": "AWS::Include"}}`:      "unsupported function: Fn::Transform",
		`{"Fn::Sub": "${Names}"}`:                          "does not resolve to a string",
	}
	for expression, want := range cases {
		parsed, err := fromJSON([]byte(expression))
		require.NoError(t, err)
		_, err = environment(t).Evaluate(parsed)
		assert.ErrorContains(t, err, want, expression)
	}
}

func TestEqualComparesScalarsByTheirText(t *testing.T) {
	assert.True(t, Equal(json.Number("30"), "30"))
	assert.True(t, Equal(true, "true"))
	assert.True(t, Equal([]any{"a", map[string]any{"b": "1"}}, []any{"a", map[string]any{"b": json.Number("1")}}))
	assert.False(t, Equal("a", []any{"a"}))
	assert.False(t, Equal(map[string]any{"a": "1"}, map[string]any{"a": "1", "b": "2"}))
	assert.False(t, Equal(nil, ""))
}

func TestDynamicReferencesAreLookedUpInsideTexts(t *testing.T) {
	value, err := ResolveDynamic(map[string]any{
		"a": []any{"x-{{resolve:ssm:/name:3}}-y", json.Number("1")},
		"b": "{{resolve:secretsmanager:db:SecretString:password}}",
	}, func(service, reference string) (string, error) { return "<" + service + " " + reference + ">", nil })
	require.NoError(t, err)
	assert.Equal(t, map[string]any{
		"a": []any{"x-<ssm /name:3>-y", json.Number("1")},
		"b": "<secretsmanager db:SecretString:password>",
	}, value)
}
