package cfn

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAParameterIsTheGivenValueElseThePreviousElseTheDefault(t *testing.T) {
	template := []byte(`{"Parameters":{
		"Given":{"Type":"String","Default":"d"}, "Kept":{"Type":"String","Default":"d"}, "Plain":{"Type":"Number","Default":3},
		"Version":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/v","Description":"checked [cdk:skip]"}}}`)
	p, err := planParameters(Goal{Template: template, Parameters: map[string]string{"Given": "g", "Unknown": "u", "Empty": ""}}, map[string]string{"Kept": "k", "Given": "old", "Version": "30"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"Given": "g", "Kept": "k", "Plain": "3", "Version": "30", "Unknown": "u"}, p.values)
	assert.Equal(t, []types.Parameter{
		{ParameterKey: aws.String("Given"), ParameterValue: aws.String("g")},
		{ParameterKey: aws.String("Kept"), UsePreviousValue: aws.Bool(true)},
		{ParameterKey: aws.String("Version"), UsePreviousValue: aws.Bool(true)},
		{ParameterKey: aws.String("Unknown"), ParameterValue: aws.String("u")},
	}, p.send)
	assert.False(t, p.ssm, "the bootstrap version does not count")

	p, err = planParameters(Goal{Template: []byte(`{"Parameters":{"Ami":{"Type":"AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>","Default":"/ami"}}}`)}, nil)
	require.NoError(t, err)
	assert.True(t, p.ssm)
	_, err = planParameters(Goal{Template: []byte(`nonsense`)}, nil)
	assert.ErrorContains(t, err, "the template is not JSON")
}

func TestReasonsForAChangeSet(t *testing.T) {
	base := func() (Goal, parameters, types.Stack) {
		return Goal{Template: []byte(`{"a":1}`), Tags: map[string]string{"k": "v"}, TerminationProtection: true, NotificationARNs: []string{"x", "y"}},
			parameters{values: map[string]string{"P": "resolved"}},
			types.Stack{
				StackStatus: types.StackStatusUpdateComplete, EnableTerminationProtection: aws.Bool(true), NotificationARNs: []string{"y", "x"},
				Tags:       []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
				Parameters: []types.Parameter{{ParameterKey: aws.String("P"), ParameterValue: aws.String("/name"), ResolvedValue: aws.String("resolved")}},
			}
	}
	cases := map[string]func(*Goal, *parameters, *types.Stack){
		"":                                   func(*Goal, *parameters, *types.Stack) {},
		"it is UPDATE_ROLLBACK_FAILED":       func(_ *Goal, _ *parameters, s *types.Stack) { s.StackStatus = types.StackStatusUpdateRollbackFailed },
		"its termination protection changed": func(g *Goal, _ *parameters, _ *types.Stack) { g.TerminationProtection = false },
		"its tags changed":                   func(g *Goal, _ *parameters, _ *types.Stack) { g.Tags = nil },
		"its notification ARNs changed":      func(g *Goal, _ *parameters, _ *types.Stack) { g.NotificationARNs = []string{} },
		"its rollback alarms changed": func(g *Goal, _ *parameters, _ *types.Stack) {
			g.Alarms = &Alarms{ARNs: []string{"arn:aws:cloudwatch:eu-west-1:111111111111:alarm:errors"}}
		},
		"some of its parameters come from SSM": func(_ *Goal, p *parameters, _ *types.Stack) { p.ssm = true },
		"its parameters changed":               func(_ *Goal, p *parameters, _ *types.Stack) { p.values["P"] = "other" },
		"it reads outputs of other stacks": func(g *Goal, _ *parameters, _ *types.Stack) {
			g.Nested = [][]byte{[]byte(`{"Outputs":{"O":{"Value":{"Fn::Join":["",[{"Fn::GetStackOutput":{"StackName":"S","OutputName":"O"}}]]}}}}`)}
		},
		"its template changed": func(g *Goal, _ *parameters, _ *types.Stack) { g.Template = []byte(`{"a":1.0}`) },
	}
	for want, change := range cases {
		g, p, s := base()
		change(&g, &p, &s)
		reason, err := mustChange(g, p, s, func() (string, error) { return `{ "a": 1 }`, nil })
		require.NoError(t, err)
		assert.Equal(t, want, reason)
	}
	g, p, s := base()
	g.NotificationARNs = nil
	reason, err := mustChange(g, p, s, func() (string, error) { return `{"a":1}`, nil })
	require.NoError(t, err)
	assert.Empty(t, reason, "ARNs that are not declared are left alone")
}

func TestOnlyExternalValuesRequireAChangeSet(t *testing.T) {
	for template, reason := range map[string]string{
		`{"Resources":{"R":{"Properties":{"A":{"Fn::GetStackOutput":{"StackName":"S","OutputName":"O"}}}}}}`: readsOutputs,
		`{"Resources":{"R":{"Properties":{"Fn::Transform":{"Name":"AWS::Include"}}}}}`:                       isTransformed,
		`{"Transform":["AWS::LanguageExtensions","Mine"],"Resources":{}}`:                                    isTransformed,
		`{"Transform":{"Name":"AWS::Include"}}`:                                                              isTransformed,
		`{"Transform":["AWS::LanguageExtensions","AWS::Serverless-2016-10-31"],"Resources":{}}`:              "",
		`{"Resources":{"R":{"Properties":{"A":"{{resolve:ssm:/name}}","B":{"Fn::ImportValue":"x"}}}}}`:       "",
		`{"Metadata":{"Fn::GetStackOutput":{}}}`:                                                             "",
		`nonsense`:                                                                                           "",
	} {
		assert.Equal(t, reason, Goal{Template: []byte(template)}.externalReason(), template)
	}
}

func TestTheStacksThatATemplateReadsAreFound(t *testing.T) {
	assert.Equal(t, []Read{{Stack: "S", Region: "r", RoleARN: "a"}}, Reads([]byte(`{"Resources":{"R":[
		{"Fn::GetStackOutput":{"StackName":"S","OutputName":"O","Region":"r","RoleArn":"a"}},
		{"Fn::GetStackOutput":{"StackName":"S","OutputName":"P","Region":"r","RoleArn":"a"}},
		{"Fn::GetStackOutput":{"StackName":{"Ref":"P"},"OutputName":"P"}}, {"Fn::GetStackOutput":7}]}}`)))
}

func TestAYAMLTemplateIsComparedByContent(t *testing.T) {
	wanted := []byte(`{"Version": "2012-10-17", "Size": 5, "On": true, "List": [{"Ref": "A"}], "Text": "a: b"}`)
	assert.True(t, sameTemplate(wanted, []byte("Version: \"2012-10-17\"\nSize: 5\nOn: true\nList:\n  - Ref: A\nText: \"a: b\"\n")))
	assert.False(t, sameTemplate(wanted, []byte("Version: \"2012-10-17\"\nSize: 6\nOn: true\nList:\n  - Ref: A\nText: \"a: b\"\n")))
	assert.False(t, sameTemplate(wanted, []byte("List: [!Ref A]\n\t}")))
}

func TestDigestsDistinguishGoalsAndIgnoreTheTemplateURL(t *testing.T) {
	a := Goal{Name: "S", Template: []byte("{}"), TemplateURL: "https://one"}
	b := a
	b.TemplateURL = "https://two"
	b.ConstructPath = func([]string, string) string { return "" }
	assert.Equal(t, digest(a), digest(b))
	b.Tags = map[string]string{"k": "v"}
	assert.NotEqual(t, digest(a), digest(b))
	assert.Regexp(t, `^sha256:[0-9a-f]{64}$`, digest(a))
}

func TestKnownReasonsHaveHintsAndOthersHaveNone(t *testing.T) {
	const connector = "Resource with id [C] is invalid. the simulator's transform does not support the resource type AWS::Serverless::Connector"
	for reason, hint := range map[string]string{
		"Cannot delete export Api:Table as it is in use by Web": "still imports",
		connector:                         "a limit of the simulator",
		"No export named Api:Table found": "must be deployed first",
		"orders already exists in stack arn:aws:...":                                           "something of this name exists",
		"User: arn is not authorized to perform: sqs:CreateQueue":                              "lacks this permission",
		"The role defined for the function cannot be assumed by Lambda.":                       "run again",
		"Limit for stack has been exceeded: LimitExceeded":                                     "quota",
		"The bucket you tried to delete is not empty":                                          "empty it",
		"Resource did not stabilize":                                                           "not become ready",
		"Received response status [FAILED] from custom resource. See CloudWatch Log Stream: x": "function of the custom resource",
		"something nobody has seen":                                                            "",
	} {
		if hint == "" {
			assert.Empty(t, hintFor(reason))
			continue
		}
		assert.Contains(t, hintFor(reason), hint, reason)
	}
}

func TestOnlyCompleteOperationsAreSuccessesAndCleaningUpIsStillRunning(t *testing.T) {
	for _, status := range types.StackStatus("").Values() {
		s := string(status)
		assert.Equal(t, s == "CREATE_COMPLETE" || s == "UPDATE_COMPLETE" || s == "IMPORT_COMPLETE", isSuccess(s), s)
		if isRunning(s) {
			assert.Equal(t, startWait, startOf(s), s)
		}
	}
	assert.True(t, isRunning("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"))
	assert.False(t, isRunning("REVIEW_IN_PROGRESS"))
}

func TestTheTextOfAChangeSetCountsItsChanges(t *testing.T) {
	assert.Equal(t, "2 to add, 1 to modify, 1 to replace, 1 to remove", Count([]Change{
		{Action: "Add"}, {Action: "Modify"}, {Action: "Add"}, {Action: "Modify", Replacement: "True"}, {Action: "Remove"},
	}))
	assert.Empty(t, Count(nil))
}
