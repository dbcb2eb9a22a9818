package pipelinerun

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/localrun"
)

// waves has the environments dev, then eu and us, then prod after both.
func waves() *config.Config {
	return &config.Config{Environments: []config.Environment{
		{Name: "dev"}, {Name: "eu", After: []string{"dev"}}, {Name: "us", After: []string{"dev"}}, {Name: "prod", After: []string{"eu", "us"}},
	}}
}

func TestARunLeavesOutWhatIsBeforeItsStartAndWhatIsNotChosen(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    []string // environments that the run deploys
	}{
		"all":                            {Options{}, []string{"dev", "eu", "us", "prod"}},
		"one":                            {Options{Only: []string{"eu"}}, []string{"eu"}},
		"two":                            {Options{Only: []string{"prod", "dev"}}, []string{"dev", "prod"}},
		"from the first":                 {Options{From: "deploy-dev"}, []string{"dev", "eu", "us", "prod"}},
		"from one of a wave":             {Options{From: "test-eu"}, []string{"eu", "us", "prod"}},
		"from the last":                  {Options{From: "gate-prod"}, []string{"prod"}},
		"from the middle, and only that": {Options{From: "deploy-us", Only: []string{"us"}}, []string{"us"}},
	} {
		require.NoError(t, test.options.checkChoice(waves()), name)
		l := localRun{Options: test.options, cfg: waves()}
		left := l.leftOut()
		variable := slices.IndexFunc(l.environment(), func(entry string) bool { return strings.HasPrefix(entry, "APHEX_LEFT_OUT=") })
		assert.Equal(t, len(test.want) < 4, variable >= 0, name)
		for _, env := range waves().Environments {
			for _, task := range []string{"gate-", "deploy-", "test-"} {
				assert.Equal(t, !slices.Contains(test.want, env.Name), left(task+env.Name), "%s: %s", name, task+env.Name)
			}
		}
		for _, task := range []string{"validate", "build", "release", "pipeline", "environments", "record"} {
			assert.False(t, left(task), "%s: %s", name, task)
		}
	}
}

func TestAChoiceThatTheCommitDoesNotHaveIsRefused(t *testing.T) {
	for _, o := range []Options{{Only: []string{"dve"}}, {From: "build"}, {From: "deploy-dve"}, {From: "dev"}} {
		err := o.checkChoice(waves())
		assert.Equal(t, errs.Invalid, errs.KindOf(err), "%+v", o)
		assert.Contains(t, errs.HintOf(err), "dev")
	}
}

func TestTheCauseIsTheStepThatFailedFirstInTime(t *testing.T) {
	now := time.Now()
	result := localrun.Result{Steps: []localrun.StepResult{
		{Name: "deploy-eu", Status: localrun.Failed, Ended: now},
		{Name: "deploy-us", Status: localrun.Failed, Ended: now.Add(-time.Second)},
	}}
	assert.Equal(t, "deploy-us", causeOf(result).step)
}
