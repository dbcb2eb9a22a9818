package diff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
)

const (
	table = `"T":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"one","BillingMode":"PROVISIONED","Tags":[{"Key":"a","Value":"b"}]}}`
	alias = `"A":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":{"Fn::Sub":"alias/${T}"},"TargetKeyId":"k"}}`
)

func TestAResourceIsReplacedForThePropertiesThatAWSSaysReplaceIt(t *testing.T) {
	renamed := `"T":{"Type":"AWS::DynamoDB::Table","Properties":{"TableName":"two","BillingMode":"PAY_PER_REQUEST","Tags":[{"Key":"a","Value":"c"}]}}`
	cases := map[string]struct {
		before, after string
		found         map[string]diff.Replacement
	}{
		"its name":                  {table, renamed, map[string]diff.Replacement{"T": {Certain: true, Because: []string{"TableName"}}}},
		"nothing":                   {table + "," + alias, table + "," + alias, map[string]diff.Replacement{}},
		"a property that does not":  {`"T":{"Type":"AWS::DynamoDB::Table","Properties":{"BillingMode":"PROVISIONED"}}`, `"T":{"Type":"AWS::DynamoDB::Table","Properties":{"BillingMode":"PAY_PER_REQUEST"}}`, map[string]diff.Replacement{}},
		"a name that is taken away": {table, `"T":{"Type":"AWS::DynamoDB::Table","Properties":{}}`, map[string]diff.Replacement{"T": {Certain: true, Because: []string{"TableName"}}}},
		"another type":              {table, `"T":{"Type":"AWS::SNS::Topic"}`, map[string]diff.Replacement{"T": {Certain: true, Because: []string{"Type"}}}},
		"what may": {
			`"D":{"Type":"AWS::RDS::DBInstance","Properties":{"Engine":"mysql"}}`, `"D":{"Type":"AWS::RDS::DBInstance","Properties":{"Engine":"postgres"}}`,
			map[string]diff.Replacement{"D": {Because: []string{"Engine"}}},
		},
		"what refers to it": {table + "," + alias, renamed + "," + alias, map[string]diff.Replacement{
			"T": {Certain: true, Because: []string{"TableName"}}, "A": {Because: []string{"AliasName"}},
		}},
		"an attribute of it, which may stay": {
			table + `,"A":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":{"Fn::GetAtt":["T","Arn"]}}}`, renamed + `,"A":{"Type":"AWS::KMS::Alias","Properties":{"AliasName":{"Fn::GetAtt":["T","Arn"]}}}`,
			map[string]diff.Replacement{"T": {Certain: true, Because: []string{"TableName"}}, "A": {Because: []string{"AliasName"}}},
		},
		"a new or removed resource": {table, alias, map[string]diff.Replacement{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.found, diff.Replacements(read(t, c.before), read(t, c.after)))
		})
	}
}

func TestWhatBecomesOfDataFollowsFromThePolicyAndTheType(t *testing.T) {
	for _, c := range []struct {
		resource          diff.Resource
		removed, replaced diff.Kept
		stateful          bool
	}{
		{diff.Resource{Type: "AWS::DynamoDB::Table"}, diff.Deleted, diff.Deleted, true},
		{diff.Resource{Type: "AWS::S3::Bucket", DeletionPolicy: "Retain"}, diff.Retained, diff.Deleted, true},
		{diff.Resource{Type: "AWS::S3::Bucket", DeletionPolicy: "RetainExceptOnCreate", UpdateReplacePolicy: "Retain"}, diff.Retained, diff.Retained, true},
		{diff.Resource{Type: "AWS::RDS::DBCluster", UpdateReplacePolicy: "Delete"}, diff.Snapshotted, diff.Deleted, true},
		{diff.Resource{Type: "AWS::RDS::DBInstance"}, diff.Snapshotted, diff.Snapshotted, true},
		{diff.Resource{Type: "AWS::RDS::DBInstance", Properties: map[string]any{"DBClusterIdentifier": "c"}}, diff.Deleted, diff.Deleted, true},
		{diff.Resource{Type: "AWS::ECR::Repository", DeletionPolicy: map[string]any{"Ref": "P"}}, diff.Deleted, diff.Deleted, true},
		{diff.Resource{Type: "AWS::Lambda::Function"}, diff.Deleted, diff.Deleted, false},
		{diff.Resource{Type: "AWS::CloudFormation::Stack"}, diff.Deleted, diff.Deleted, false},
	} {
		assert.Equal(t, c.removed, c.resource.OnRemoval(), c.resource)
		assert.Equal(t, c.replaced, c.resource.OnReplacement(), c.resource)
		assert.Equal(t, c.stateful, diff.IsStateful(c.resource.Type), c.resource)
	}
}
