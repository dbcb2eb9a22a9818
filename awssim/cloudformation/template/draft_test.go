package template

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// processed runs the transforms of a template whose bucket has two snippets.
func processed(body string) (string, error) {
	draft, err := ReadDraft(body)
	if err != nil {
		return "", err
	}
	if err := draft.Check(); err != nil {
		return "", err
	}
	head, err := draft.Head()
	if err != nil {
		return "", err
	}
	values, err := head.Arguments(nil, nil, nil)
	if err != nil {
		return "", err
	}
	env := &Env{Template: head, Arguments: values, Pseudo: map[string]any{"AWS::Region": "eu-west-1", "AWS::Partition": "aws"}}
	return draft.Process(env, func(location string) (string, error) {
		switch location {
		case "s3://snippets/queue.yaml":
			return "Type: AWS::SQS::Queue\nProperties: {DelaySeconds: 5}\n", nil
		case "s3://snippets/sections.json":
			return `{"Mappings":{"M":{"a":{"b":"c"}}},"Resources":{"Added":{"Type":"AWS::SNS::Topic"}}}`, nil
		}
		return "", errors.New("S3 error: Access Denied")
	})
}

func TestTransformsAreRun(t *testing.T) {
	const languages = `"Transform":"AWS::LanguageExtensions",`
	for name, c := range map[string]struct{ body, want string }{
		"a loop over a parameter": {
			`{` + languages + `"Parameters":{"Names":{"Type":"CommaDelimitedList","Default":"a,b"}},"Resources":{
				"Fn::ForEach::Topics":["Name",{"Ref":"Names"},{"Topic${Name}":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":{"Fn::Sub":"x-${Name}-${AWS::Region}"},"DisplayName":{"Ref":"Name"}}}}]}}`,
			`{"Parameters":{"Names":{"Type":"CommaDelimitedList","Default":"a,b"}},"Resources":{
				"Topica":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":{"Fn::Sub":"x-a-${AWS::Region}"},"DisplayName":"a"}},
				"Topicb":{"Type":"AWS::SNS::Topic","Properties":{"TopicName":{"Fn::Sub":"x-b-${AWS::Region}"},"DisplayName":"b"}}}}`,
		},
		"loops in loops, in conditions, properties and outputs": {
			`{` + languages + `"Conditions":{"Fn::ForEach::C":["I",["1"],{"Is${I}":{"Fn::Equals":["a","a"]}}]},
				"Resources":{"Fn::ForEach::X":["X",["a"],{"Fn::ForEach::Y":["Y",["10.0.0.1"],{"R${X}&{Y}":{"Type":"T","Properties":{"P":"${X}-${Y}","Fn::ForEach::P":["P",["Q"],{"${P}":1}]}}}]}]},
				"Outputs":{"Fn::ForEach::O":["O",["a"],{"O${O}":{"Value":{"Fn::GetAtt":[{"Fn::Sub":"R${O}10001"},"Arn"]}}}]}}`,
			`{"Conditions":{"Is1":{"Fn::Equals":["a","a"]}},"Resources":{"Ra10001":{"Type":"T","Properties":{"P":"a-10.0.0.1","Q":1}}},
				"Outputs":{"Oa":{"Value":{"Fn::GetAtt":["Ra10001","Arn"]}}}}`,
		},
		"policies that are computed, and defaults of maps": {
			`{` + languages + `"Resources":{"T":{"Type":"T","DeletionPolicy":{"Fn::If":["C","Retain","Delete"]},"Properties":{"A":{"Fn::FindInMap":["M","a","x",{"DefaultValue":"d"}]}}}}}`,
			`{"Resources":{"T":{"Type":"T","DeletionPolicy":{"Fn::If":["C","Retain","Delete"]},"Properties":{"A":{"Fn::FindInMap":["M","a","x",{"DefaultValue":"d"}]}}}}}`,
		},
		"an included resource": {
			`{"Resources":{"Q":{"Fn::Transform":{"Name":"AWS::Include","Parameters":{"Location":{"Fn::Sub":"s3://snippets/queue.yaml"}}},"DeletionPolicy":"Retain"}}}`,
			`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":{"DelaySeconds":5},"DeletionPolicy":"Retain"}}}`,
		},
		"included sections": {
			`{"Transform":{"Name":"AWS::Include","Parameters":{"Location":"s3://snippets/sections.json"}},"Resources":{"Own":{"Type":"T"}}}`,
			`{"Mappings":{"M":{"a":{"b":"c"}}},"Resources":{"Own":{"Type":"T"},"Added":{"Type":"AWS::SNS::Topic"}}}`,
		},
		"a hosted rotation": {
			`{"Transform":"AWS::SecretsManager-2024-09-16","Resources":{"R":{"Type":"AWS::SecretsManager::RotationSchedule","Properties":{"SecretId":"s","HostedRotationLambda":{"RotationType":"PostgreSQLSingleUser"}}}}}`,
			`{"Resources":{"R":{"Type":"AWS::SecretsManager::RotationSchedule","Properties":{"SecretId":"s","RotationLambdaARN":{"Fn::GetAtt":["RHostedRotationLambda","Outputs.RotationLambdaARN"]}}},
				"RHostedRotationLambda":{"Type":"AWS::CloudFormation::Stack","Properties":{"TemplateURL":"https://awsserverlessrepo-applications.s3.amazonaws.com/SecretsManagerRDSPostgreSQLSingleUser",
				"Parameters":{"functionName":"RHostedRotationLambda","endpoint":{"Fn::Sub":"https://secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}}}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := processed(c.body)
			require.NoError(t, err)
			assert.JSONEq(t, c.want, got)
		})
	}
}

func TestWhatNoTransformKnowsIsRefusedByName(t *testing.T) {
	for body, reason := range map[string]string{
		`{"Transform":"Mine","Resources":{"T":{"Type":"T"}}}`:                                                                                       "No transform named Mine found",
		`{"Resources":{"T":{"Type":"T","Properties":{"Fn::Transform":{"Name":"Count"}}}}}`:                                                          "No transform named Count found",
		`{"Resources":{"T":{"Type":"T","Properties":{"A":{"Fn::Length":["a"]}}}}}`:                                                                  "unsupported function: Fn::Length. It needs the transform AWS::LanguageExtensions",
		`{"Resources":{"T":{"Type":"T","DeletionPolicy":{"Fn::If":["C","Retain","Delete"]}}}}`:                                                      "Template format error: Every DeletionPolicy member must be a string.",
		`{"Resources":{"T":{"Type":"T","UpdateReplacePolicy":{"Ref":"P"}}}}`:                                                                        "Template format error: Every UpdateReplacePolicy member must be a string.",
		`{"Mappings":{"M":{"a":{"b":"c"}}},"Resources":{"T":{"Type":"T","Properties":{"A":{"Fn::FindInMap":["M","a","x",{"DefaultValue":"d"}]}}}}}`: "every Fn::FindInMap object requires three parameters",
		`{"Resources":{"Fn::ForEach::A":["N",["a"],{"T${N}":{"Type":"T"}}]}}`:                                                                       "unsupported function: Fn::ForEach::A",
		`{"Transform":"AWS::LanguageExtensions","Resources":{"Fn::ForEach::A":["N",["a"]]}}`:                                                        "Fn::ForEach::A must be a list of an identifier, a collection and a map",
		`{"Transform":"AWS::LanguageExtensions","Resources":{"Fn::ForEach::A":["N",["a","a"],{"T${N}":{"Type":"T"}}]}}`:                             "duplicate key Ta",
		`{"Transform":"AWS::LanguageExtensions","Resources":{"Fn::ForEach::A":["N",{"Fn::GetAtt":["R","L"]},{"T${N}":{"Type":"T"}}]}}`:              "undefined resource R",
		`{"Resources":{"T":{"Type":"T","Properties":{"Fn::Transform":{"Name":"AWS::Include","Parameters":{"Location":"s3://other/x"}}}}}}`:          "S3 error: Access Denied",
		`{"Resources":{"T":{"Type":"T","Properties":{"Fn::Transform":{"Name":"AWS::Include"}}}}}`:                                                   "The location parameter is not a valid S3 uri",
	} {
		_, err := processed(body)
		assert.ErrorContains(t, err, reason, body)
	}
}

func TestALoopThatMakesTooMuchIsStopped(t *testing.T) {
	many := `["00","01","02","03","04","05","06","07","08","09","10","11","12","13","14","15","16","17","18","19","20","21","22","23","24","25","26","27","28","29"]`
	_, err := processed(`{"Transform":"AWS::LanguageExtensions","Resources":{"Fn::ForEach::A":["A",` + many + `,{"Fn::ForEach::B":["B",` + many + `,{"Fn::ForEach::C":["C",` + many + `,{"T${A}${B}${C}":{"Type":"T"}}]}]}]}}`)
	assert.ErrorContains(t, err, "makes more than 20000 members")
}
