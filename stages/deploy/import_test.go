package deploy_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/stages/deploy"
)

func TestExistingResourcesAreAdoptedByTheFlagOrTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keys string
		flag bool
	}{"flag": {"concurrency: 1", true}, "configuration": {"importExistingResources: true", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.shape("named")
			base, err := w.base(t.Context())
			require.NoError(t, err)
			_, err = ssm.NewFromConfig(base).PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/size"), Value: aws.String("small"), Type: types.ParameterTypeString})
			require.NoError(t, err)
			w.gated("{name: Data}", "concurrency: 1")
			_, err = w.run("dev")
			require.ErrorContains(t, err, "already exists")

			w.gated("{name: Data}", c.keys)
			out, err := w.run("dev", func(in *deploy.Input) { in.ImportExisting = c.flag })
			require.NoError(t, err, w.log.String())
			assert.Contains(t, out.Summary.Stacks[0].Changes, "1 to import")
		})
	}
}
