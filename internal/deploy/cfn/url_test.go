package cfn_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

func TestATemplateIsReadOverHTTPSInItsPartition(t *testing.T) {
	for region, host := range map[string]string{
		"eu-west-1": "https://s3.eu-west-1.amazonaws.com", "cn-north-1": "https://s3.cn-north-1.amazonaws.com.cn", "us-gov-west-1": "https://s3.us-gov-west-1.amazonaws.com",
	} {
		url, err := cfn.TemplateURL(t.Context(), aws.Config{Region: region}, "s3://bucket/key.json")
		require.NoError(t, err)
		assert.Equal(t, host+"/bucket/key.json", url)
	}
	url, err := cfn.TemplateURL(t.Context(), aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String("http://127.0.0.1:4566")}, "s3://bucket/key.json")
	require.NoError(t, err)
	assert.Equal(t, "http://127.0.0.1:4566/bucket/key.json", url)
	url, err = cfn.TemplateURL(t.Context(), aws.Config{Region: "eu-west-1"}, "https://elsewhere/t.json")
	require.NoError(t, err)
	assert.Equal(t, "https://elsewhere/t.json", url)
}

func TestAKeyCannotAskForAnotherObject(t *testing.T) {
	for key, path := range map[string]string{
		"t.json?versionId=1": "t.json%3FversionId=1", "t.json#x": "t.json%23x", "%74.json": "%2574.json", "a b/t.json": "a%20b/t.json",
	} {
		url, err := cfn.TemplateURL(t.Context(), aws.Config{Region: "eu-west-1"}, "s3://bucket/"+key)
		require.NoError(t, err)
		assert.Equal(t, "https://s3.eu-west-1.amazonaws.com/bucket/"+path, url)
	}
}
