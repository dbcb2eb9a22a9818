package cfn_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func TestAStackAdoptsWhatExistsOnlyIfItMayAndRetainsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, cfg := simulated(t, time.Second)
		api, parameters := cfn.NewClient(cfg), ssm.NewFromConfig(cfg)
		_, err := parameters.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/size"), Value: aws.String("small"), Type: ssmtypes.ParameterTypeString})
		require.NoError(t, err)
		template := func(policy string) []byte {
			return []byte(`{"Resources":{"Size":{"Type":"AWS::SSM::Parameter","DeletionPolicy":"` + policy + `","Properties":{"Name":"/size","Type":"String","Value":"large"}},` +
				`"Q":{"Type":"AWS::SQS::Queue"}}}`)
		}
		_, err = cfn.Deploy(t.Context(), api, cfn.Goal{Name: "Shop", Template: template("Retain")}, cfn.Options{})
		require.ErrorContains(t, err, "already exists")

		_, err = cfn.Deploy(t.Context(), api, cfn.Goal{Name: "Shop", Template: template("Delete"), ImportExisting: true}, cfn.Options{})
		require.ErrorContains(t, err, "must have the DeletionPolicy attribute")
		assert.Contains(t, errs.HintOf(err), "RemovalPolicy.RETAIN")

		goal := cfn.Goal{Name: "Shop", Template: template("Retain"), ImportExisting: true}
		prepared, err := cfn.Prepare(t.Context(), api, goal, cfn.Options{Discard: true})
		require.NoError(t, err)
		assert.Equal(t, "1 to add, 1 to import", cfn.Count(prepared.Changes))
		result, err := cfn.Deploy(t.Context(), api, goal, cfn.Options{})
		require.NoError(t, err)
		assert.Equal(t, cfn.Created, result.Action)
		assert.Equal(t, "1 to add, 1 to import", result.Touched())
		found, err := parameters.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/size")})
		require.NoError(t, err)
		assert.Equal(t, "large", *found.Parameter.Value, "what the template says of it holds")
		result, err = cfn.Deploy(t.Context(), api, goal, cfn.Options{})
		require.NoError(t, err)
		assert.Equal(t, cfn.Unchanged, result.Action)
	})
}
