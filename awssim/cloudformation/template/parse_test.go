package template

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const yamlTemplate = `
AWSTemplateFormatVersion: 2010-09-09
Description: Everything in short form
Parameters:
  Name: {Type: String, Default: world}
Conditions:
  Greets: !Not [!Equals [!Ref Name, '']]
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Condition: Greets
    Properties:
      DisplayName: !Sub 'hello ${Name}'
      Version: 2012-10-17
      Count: 1.10
      Enabled: true
      Account: 012345678901
      Joined: !Join
        - ','
        - - !GetAtt Queue.Arn
          - !Select [0, !Split ['/', a/b]]
          - Fn::Base64: !Ref AWS::Region
  Queue:
    Type: AWS::SQS::Queue
    DependsOn: [Other]
  Other:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
Outputs:
  Arn:
    Value: !If [Greets, !GetAtt Topic.TopicArn, none]
    Export: {Name: !Sub '${AWS::StackName}-arn'}
`

func TestYAMLWithShortTagsIsReadLikeJSON(t *testing.T) {
	parsed, err := Parse(yamlTemplate)
	require.NoError(t, err)
	assert.Equal(t, "Everything in short form", parsed.Description)
	assert.Equal(t, []string{"Other"}, parsed.Resources["Queue"].DependsOn)
	assert.Equal(t, "Retain", parsed.Resources["Other"].DeletionPolicy)
	assert.Equal(t, `{"Account":"012345678901","Count":1.10,"DisplayName":{"Fn::Sub":"hello ${Name}"},"Enabled":true,`+
		`"Joined":{"Fn::Join":[",",[{"Fn::GetAtt":["Queue","Arn"]},{"Fn::Select":[0,{"Fn::Split":["/","a/b"]}]},`+
		`{"Fn::Base64":{"Ref":"AWS::Region"}}]]},"Version":"2012-10-17"}`,
		encode(t, parsed.Resources["Topic"].Properties))
}

func TestTheNeedsOfAResourceFollowTheTakenBranches(t *testing.T) {
	parsed, err := Parse(yamlTemplate)
	require.NoError(t, err)
	assert.Equal(t, map[string][]string{"Topic": {"Queue"}, "Queue": {"Other"}, "Other": {}}, parsed.Needs(nil))
	assert.Equal(t, map[string][]string{"Queue": {"Other"}, "Other": {}}, parsed.Needs(map[string]bool{"Greets": false}))
}

func TestMalformedTemplatesAreRefusedWithTheServicesMessage(t *testing.T) {
	resource := `"Resources": {"A": {"Type": "AWS::SNS::Topic"}}`
	cases := map[string]struct{ body, want string }{
		"broken JSON":            {"{\n  \"Resources\": {,}}", "Template format error: JSON not well-formed. (line 2, column 17)"},
		"more after the JSON":    {`{` + resource + `} x`, "JSON not well-formed"},
		"broken YAML":            {"a: [1", "YAML not well-formed"},
		"text":                   {"hello", "unsupported structure"},
		"nothing":                {"", "unsupported structure"},
		"no resources":           {`{"Resources": {}}`, "At least one Resources member must be defined."},
		"an unknown section":     {`{"Resourcs": {}}`, "Invalid template property or properties [Resourcs]"},
		"no type":                {`{"Resources": {"A": {}}}`, "[/Resources/A] Every Resources object must contain a Type member."},
		"an unknown member":      {`{"Resources": {"A": {"Type": "T", "Props": {}}}}`, "Invalid template resource property 'Props'"},
		"a name with a dash":     {`{"Resources": {"A-B": {"Type": "T"}}}`, "Resource name A-B is non alphanumeric."},
		"null":                   {`{"Resources": {"A": {"Type": "T", "Properties": {"X": null}}}}`, "[/Resources/A/Properties/X] 'null' values are not allowed in templates"},
		"an undefined Ref":       {`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Ref": "B"}}}}}`, "Template format error: Unresolved resource dependencies [B] in the Resources block of the template"},
		"an undefined Sub":       {`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Fn::Sub": "${B}"}}}}}`, "Unresolved resource dependencies [B] in the Resources block"},
		"an undefined output":    {`{` + resource + `, "Outputs": {"O": {"Value": {"Ref": "B"}}}}`, "Unresolved resource dependencies [B] in the Outputs block of the template"},
		"an undefined GetAtt":    {`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Fn::GetAtt": ["B", "Arn"]}}}}}`, "Template error: instance of Fn::GetAtt references undefined resource B"},
		"an undefined DependsOn": {`{"Resources": {"A": {"Type": "T", "DependsOn": "B"}}}`, "Unresolved resource dependencies [B]"},
		"an undefined condition": {`{"Resources": {"A": {"Type": "T", "Condition": "C"}}}`, "Unresolved condition dependency C in the Resources block of the template"},
		"one name twice": {
			`{"Parameters":{"A":{"Type":"String"},"B":{"Type":"String"}},"Resources":{"A":{"Type":"T","Properties":{"P":{"Ref":"A"}}},"C":{"Type":"T"}}}`,
			"Template error: all resources and parameters must have unique names. Common name(s):[A]",
		},
		"an unknown function": {`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Fn::Nope": 1}}}}}`, "Encountered unsupported function: Fn::Nope"},
		"a circle": {
			`{"Resources": {"A": {"Type": "T", "DependsOn": "B"}, "B": {"Type": "T", "Properties": {"X": {"Ref": "A"}}}, "C": {"Type": "T", "DependsOn": "A"}}}`,
			"Circular dependency between resources: [A, B]",
		},
		"a resource in a condition":   {`{"Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, 1]}}, ` + resource + `}`, "Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template"},
		"an unknown parameter type":   {`{"Parameters": {"P": {"Type": "Text"}}, ` + resource + `}`, "Unrecognized parameter type: Text"},
		"an old version":              {`{"AWSTemplateFormatVersion": "2009-01-01", ` + resource + `}`, "2009-01-01 is not a supported value for AWSTemplateFormatVersion."},
		"an output without a value":   {`{` + resource + `, "Outputs": {"O": {}}}`, "Every Outputs member must contain a Value object"},
		"an unknown deletion policy":  {`{"Resources": {"A": {"Type": "T", "DeletionPolicy": "Keep"}}}`, "Unrecognized DeletionPolicy Keep"},
		"a YAML alias":                {"Resources:\n  A: &x {Type: T}\n  B: *x\n", "YAML aliases are not allowed"},
		"a duplicate key":             {"Resources:\n  A: {Type: T}\n  A: {Type: T}\n", "duplicate key A"},
		"a Ref that is not a text":    {`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Ref": ["A"]}}}}}`, "Every Ref object must have a single String value."},
		"a GetAtt without attributes": {`{"Resources": {"A": {"Type": "T", "Properties": {"X": {"Fn::GetAtt": "A"}}}}}`, "requires two non-empty parameters"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(c.body)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestCapabilitiesFollowTheIAMResources(t *testing.T) {
	parse := func(properties string) *Template {
		parsed, err := Parse(`{"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": ` + properties + `}}}`)
		require.NoError(t, err)
		return parsed
	}
	assert.Equal(t, []string{"CAPABILITY_IAM"}, parse(`{}`).Lacking(nil))
	assert.Empty(t, parse(`{}`).Lacking([]string{"CAPABILITY_NAMED_IAM"}))
	assert.Equal(t, []string{"CAPABILITY_NAMED_IAM"}, parse(`{"RoleName": "x"}`).Lacking([]string{"CAPABILITY_IAM"}))
	_, reason := parse(`{}`).Capabilities()
	assert.Equal(t, "The following resource(s) require capabilities: [AWS::IAM::Role]", reason)
}
