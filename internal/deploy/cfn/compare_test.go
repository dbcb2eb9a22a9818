package cfn_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
)

// DescribeStackResource is for nested stacks, which the account does not have.
func (f *fake) DescribeStackResource(context.Context, *cloudformation.DescribeStackResourceInput, ...options) (*cloudformation.DescribeStackResourceOutput, error) {
	return nil, apiError("ValidationError", "Resource Inner does not exist for stack Shop")
}

func compare(t *testing.T, f *fake, g cfn.Goal) cfn.Prepared {
	t.Helper()
	prepared, err := cfn.Compare(t.Context(), f, g, cfn.Options{}, func(r diff.Resource) []byte {
		if strings.HasSuffix(r.Text("TemplateURL"), "/known.json") {
			return []byte(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`)
		}
		return nil
	})
	require.NoError(t, err)
	return prepared
}

func TestAComparisonSaysOfWhichNestedStackItDoesNotKnowTheTemplate(t *testing.T) {
	nested := func(url string) string {
		return `{"Resources":{"Inner":{"Type":"AWS::CloudFormation::Stack","Properties":{"TemplateURL":"` + url + `"}},"Q":{"Type":"AWS::SQS::Queue"}}}`
	}
	unknown := func(before, after string) (found []string) {
		for _, pair := range compare(t, newFake().deployed("CREATE_COMPLETE", before), cfn.Goal{Name: "Shop", Template: []byte(after)}).Templates {
			if pair.Unknown {
				found = append(found, strings.Join(pair.Nested, "/"))
			}
		}
		return found
	}
	const none = `{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`
	assert.Equal(t, []string{"Inner"}, unknown(none, nested("https://b/other.json")))
	assert.Equal(t, []string{"Inner"}, unknown(nested("https://b/known.json"), nested("https://b/other.json")))
	assert.Empty(t, unknown(none, nested("https://b/known.json")))
	assert.Empty(t, unknown(nested("https://b/other.json"), strings.Replace(nested("https://b/other.json"), "SQS::Queue", "SNS::Topic", 1)), "it gets no other template")
}

func TestAStackWhoseParametersChangeChangesAlsoIfOthersComeFromSSM(t *testing.T) {
	const template = `{"Parameters":{"Ami":{"Type":"AWS::SSM::Parameter::Value<String>","Default":"/ami"},"Who":{"Type":"String"}},"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}`
	outlook := func(who, ami string) (cfn.Outlook, string) {
		f := newFake().deployed("CREATE_COMPLETE", template)
		f.stack.Parameters = []types.Parameter{
			{ParameterKey: aws.String("Ami"), ParameterValue: aws.String("/ami"), ResolvedValue: aws.String("ami-1")}, {ParameterKey: aws.String("Who"), ParameterValue: aws.String("me")},
		}
		prepared := compare(t, f, cfn.Goal{Name: "Shop", Template: []byte(template), Parameters: map[string]string{"Who": who, "Ami": ami}})
		return prepared.Outlook, prepared.Reason
	}
	same, reason := outlook("me", "/ami")
	assert.Equal(t, cfn.Keep, same)
	assert.Equal(t, "some of its parameters come from SSM", reason, "nobody knows their values")
	for _, other := range [][2]string{{"everyone", "/ami"}, {"me", "/other"}} {
		changed, reason := outlook(other[0], other[1])
		assert.Equal(t, cfn.Update, changed, other)
		assert.Equal(t, "its parameters changed", reason)
	}
}
