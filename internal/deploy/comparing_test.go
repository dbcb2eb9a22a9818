package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
)

func TestATemplateIsThatOfAFileOnlyAtThePlaceWhereTheFileIsPublished(t *testing.T) {
	for url, is := range map[string]bool{
		"https://s3.eu-west-1.${AWS::URLSuffix}/cdk-assets/key.json":   true,
		"https://s3.eu-west-1.amazonaws.com/cdk-assets/key.json":       true,
		"https://s3.cn-north-1.amazonaws.com.cn/cdk-assets/key.json":   true,
		"https://s3.amazonaws.com/cdk-assets/key.json":                 true,
		"https://s3.eu-west-1.amazonaws.com/evil/key.json":             false,
		"https://s3.eu-west-1.amazonaws.com/evil/cdk-assets/key.json":  false,
		"https://evil.s3.amazonaws.com/cdk-assets/key.json":            false,
		"https://s3.evil.s3.amazonaws.com/cdk-assets/key.json":         false,
		"https://s3.evil.example/cdk-assets/key.json":                  false,
		"https://evil.example/https://s3.amazonaws.com/cdk-assets/key": false,
		"": false,
	} {
		assert.Equal(t, is, isAt(url, "cdk-assets", "key.json"), url)
	}
	assert.False(t, isAt("https://s3.amazonaws.com//key.json", "", "key.json"))
}

func stackFrom(t *testing.T, templates ...cfn.Templates) planned.Stack {
	t.Helper()
	s := planned.Stack{}
	require.NoError(t, describe(&s, target{}, cfn.Prepared{Outlook: cfn.Update, Templates: templates}, func(text string) string { return text }))
	return s
}

func TestANestedStackOfAnUnknownTemplateMayAddAnyPermission(t *testing.T) {
	s := stackFrom(t, cfn.Templates{Nested: []string{"Outer", "Inner"}, Unknown: true})
	require.Len(t, s.Broader, 1)
	assert.Equal(t, "Inner", s.Broader[0].LogicalID)
	assert.Equal(t, []string{"Outer"}, s.Broader[0].Nested)
	assert.Contains(t, s.Broader[0].Text, "it may add any permission")
}

func TestAPlanShowsThatAResourceIsNoLongerKept(t *testing.T) {
	s := stackFrom(t, cfn.Templates{Before: []byte(`{"Resources":{"T":{"Type":"AWS::DynamoDB::Table","DeletionPolicy":"Retain"}}}`), After: []byte(`{"Resources":{"T":{"Type":"AWS::DynamoDB::Table","DeletionPolicy":"Delete"}}}`)})
	require.Len(t, s.Changes, 1)
	assert.Equal(t, "modify", s.Changes[0].Action)
	assert.Equal(t, []diff.Change{{Path: "DeletionPolicy", Before: "Retain", After: "Delete"}}, s.Changes[0].Properties)
}
