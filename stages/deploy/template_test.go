package deploy_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// TestATemplateThatSomebodyPublishedAheadIsNotDeployed publishes another template under
// the key that the app's will have, as an asset of an earlier commit can: the key is there
// already, so that nothing is published, and CloudFormation reads the other one.
func TestATemplateThatSomebodyPublishedAheadIsNotDeployed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.unvalidated()
	w.configure(devOf("{name: Data}"))
	_, err := w.run("dev")
	require.NoError(t, err, "an honest run shows the key")
	w.deleteStack("Data", "eu-west-1")

	cfg, err := w.base(t.Context())
	require.NoError(t, err)
	api, assets := s3.NewFromConfig(cfg), aws.String("cdk-hnb659fds-assets-"+dev+"-eu-west-1")
	found, err := api.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: assets})
	require.NoError(t, err)
	published := 0
	for _, object := range found.Contents {
		if strings.HasSuffix(*object.Key, ".json") {
			_, err := api.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: assets, Key: object.Key, Body: strings.NewReader(`{"Resources": {"Evil": {"Type": "AWS::SNS::Topic"}}}`),
			})
			require.NoError(t, err)
			published++
		}
	}
	require.Equal(t, 1, published)

	w.ForgetCalls()
	_, err = w.run("dev")
	require.ErrorContains(t, err, "CloudFormation read another template for stack \"Data\" than the app's")
	assert.Contains(t, errs.HintOf(err)+err.Error(), "delete it, and run again")
	assert.Zero(t, w.Calls()["cloudformation:ExecuteChangeSet"])
	assert.Equal(t, 1, w.Calls()["cloudformation:CreateChangeSet"], "the other template was read")
}
