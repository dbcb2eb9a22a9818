package diff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
)

func document(value string) string {
	return `"P":{"Type":"AWS::IAM::Policy","Properties":{"Roles":["Role"],"PolicyDocument":` + value + `}}`
}

func TestAPolicyThatOnlyCloudFormationCanResolveIsReported(t *testing.T) {
	for value, text := range map[string]string{
		`{"Fn::GetAtt":["Custom","Document"]}`: "Role gets a statement that only CloudFormation can resolve: ${Custom.Document}",
		`{"Ref":"Document"}`:                   "Role gets a statement that only CloudFormation can resolve: ${Document}",
		`"{{resolve:ssm:/document}}"`:          "Role gets a statement that only CloudFormation can resolve: {{resolve:ssm:/document}}",
		`{"Fn::If":["C",{"Fn::GetAtt":["Custom","D"]},{"Ref":"AWS::NoValue"}]}`: "Role gets a statement that only CloudFormation can resolve: ${Custom.D}",
	} {
		found := diff.Broadenings(read(t, ""), read(t, document(value)))
		require.Len(t, found, 1, value)
		assert.Equal(t, text, found[0].Text)
		assert.Len(t, diff.Broadenings(read(t, document(`{"Ref":"Other"}`)), read(t, document(value))), 1, value)
		assert.Empty(t, diff.Broadenings(read(t, document(value)), read(t, document(value))))
	}
	trust := `"R":{"Type":"AWS::IAM::Role","Properties":{"AssumeRolePolicyDocument":{"Fn::GetAtt":["Custom","Trust"]},"Policies":{"Fn::GetAtt":["Custom","All"]}}}`
	assert.Len(t, diff.Broadenings(read(t, ""), read(t, trust)), 2)
}

func TestWhatPermissionsDependOnIsCompared(t *testing.T) {
	const (
		allow = `{"Statement":[{"Effect":"Allow","Resource":"*","Action":`
		plain = `"Conditions":{"C":{"Fn::Equals":["a","b"]}},"Mappings":{"M":{"k":{"v":"s3:Get"}}},"Parameters":{"A":{"Type":"String","Default":"s3:Get"}}`
	)
	in := func(sections, resources string) diff.Template {
		template, err := diff.Parse([]byte(`{` + sections + `,"Resources":{` + resources + `}}`))
		require.NoError(t, err)
		return template
	}
	for name, c := range map[string]struct{ resource, after, changes string }{
		"a mapping":                {document(allow + `{"Fn::FindInMap":["M","k","v"]}}]}`), `"Mappings":{"M":{"k":{"v":"*"}}}`, "mapping M"},
		"a mapping that is chosen": {document(allow + `{"Fn::FindInMap":[{"Ref":"X"},"k","v"]}}]}`), `"Mappings":{"M":{"k":{"v":"*"}}}`, "mapping M"},
		"a default":                {document(allow + `{"Ref":"A"}}]}`), `"Parameters":{"A":{"Type":"String","Default":"*"}}`, "parameter A"},
		"a default within a text":  {document(allow + `{"Fn::Sub":"${A}Object"}}]}`), `"Parameters":{"A":{"Type":"String","Default":"*"}}`, "parameter A"},
		"a condition": {
			`"P":{"Type":"AWS::IAM::Policy","Condition":"C","Properties":{"Roles":["Role"],"PolicyDocument":` + allow + `"*"}]}}}`,
			`"Conditions":{"C":{"Fn::Equals":["a","a"]}}`, "condition C",
		},
		"a rule of a network": {`"P":{"Type":"AWS::EC2::SecurityGroupIngress","Properties":{"GroupId":"g","CidrIp":{"Ref":"A"}}}`, `"Parameters":{"A":{"Default":"0.0.0.0/0"}}`, "parameter A"},
	} {
		t.Run(name, func(t *testing.T) {
			before := in(plain, c.resource)
			found := diff.Broadenings(before, in(c.after, c.resource))
			require.Len(t, found, 1)
			assert.Equal(t, "what ${P} allows depends on what changes: "+c.changes, found[0].Text)
			assert.Empty(t, diff.Broadenings(before, in(plain+`,"Outputs":{}`, c.resource)))
		})
	}
	bare := `"P":{"Type":"AWS::IAM::Policy","Properties":{"Roles":["Role"],"PolicyDocument":` + allow + `"*"}]}}}`
	conditional := `"P":{"Type":"AWS::IAM::Policy","Condition":"C",` + bare[len(`"P":{"Type":"AWS::IAM::Policy",`):]
	found := diff.Broadenings(in(plain, conditional), in(plain, bare))
	require.Len(t, found, 1)
	assert.Equal(t, "what ${P} allows depends on what changes: the condition under which it exists", found[0].Text)
	named := `"B":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":{"Ref":"A"}}}`
	assert.Empty(t, diff.Broadenings(in(plain, named), in(`"Parameters":{"A":{"Default":"other"}}`, named)), "a name allows nothing")
}

func TestAMacroThatMayAddPermissionsIsReported(t *testing.T) {
	parse := func(text string) diff.Template {
		template, err := diff.Parse([]byte(text))
		require.NoError(t, err)
		return template
	}
	include := `{"Fn::Transform":{"Name":"AWS::Include","Parameters":{"Location":"s3://b/one"}}}`
	for _, text := range []string{
		`{"Transform":"Mine","Resources":{}}`,
		`{"Transform":["AWS::LanguageExtensions","AWS::Serverless-2016-10-31"],"Resources":{}}`,
		`{"Resources":` + include + `}`,
		`{"Fn::Transform":{"Name":"AWS::Include"}}`,
		`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":` + include + `}}}`,
		`{"Outputs":` + include + `,"Resources":{}}`,
	} {
		found := diff.Broadenings(parse(`{"Resources":{}}`), parse(text))
		require.Len(t, found, 1, text)
		assert.Contains(t, found[0].Text, "a macro may add any permission: ")
		assert.Empty(t, diff.Broadenings(parse(text), parse(text)))
	}
	moved := `{"Resources":{"Fn::Transform":{"Name":"AWS::Include","Parameters":{"Location":"s3://b/two"}}}}`
	assert.Len(t, diff.Broadenings(parse(`{"Resources":`+include+`}`), parse(moved)), 1, "another file is included")
	assert.Empty(t, diff.Broadenings(parse(`{"Resources":{}}`), parse(`{"Transform":"AWS::LanguageExtensions","Resources":{}}`)))
}

func TestALoopOfResourcesIsReadAndItsPermissionsAreSeen(t *testing.T) {
	loop := `"Fn::ForEach::Roles":["Name",["a","b"],{"${Name}":{"Type":"AWS::IAM::Role","Properties":{"Policies":[{"PolicyDocument":{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}}]}}}]`
	found := diff.Broadenings(read(t, ""), read(t, loop))
	require.Len(t, found, 1)
	assert.Contains(t, found[0].Text, "may * on *")
}
