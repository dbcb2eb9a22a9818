package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// plan plans dev into a file and gives the plan by stack, and the text.
func (w *world) plan(file string) (map[string]planned.Stack, string) {
	w.t.Helper()
	w.ForgetCalls()
	_, err := w.run("dev", func(in *deploy.Input) { in.PlanFile = file })
	require.NoError(w.t, err, w.log.String()+w.out.String()+w.stdout.String())
	assert.Zero(w.t, w.Calls()["cloudformation:ExecuteChangeSet"], "a plan executes nothing")
	data, err := os.ReadFile(file)
	require.NoError(w.t, err)
	var plan planned.Plan
	require.NoError(w.t, json.Unmarshal(data, &plan))
	stacks := map[string]planned.Stack{}
	for _, s := range plan.Stacks {
		stacks[s.Stack] = s
	}
	return stacks, w.stdout.String()
}

func intents(stacks map[string]planned.Stack) map[string]planned.Intent {
	all := map[string]planned.Intent{}
	for name, s := range stacks {
		all[name] = s.Intent
	}
	return all
}

func TestADeploymentIsPlannedThenExecutedAsPlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "plan.json")
	execute := func(in *deploy.Input) { in.ExecutePlan = file }

	stacks, text := w.plan(file)
	assert.Equal(t, map[string]planned.Intent{"Data": "create", "Api": "later", "Edge": "create"}, intents(stacks))
	assert.Contains(t, stacks["Api"].Because, "its change set cannot be created before Data is deployed: No export named")
	assert.Contains(t, stacks["Data"].ChangeSet, ":changeSet/aphex-deploy/")
	assert.Regexp(t, "^sha256:", stacks["Data"].TemplateDigest)
	assert.Contains(t, text, "1. Data in eu-west-1: create\n")
	assert.Contains(t, text, "2. Api in eu-west-1: later, after Data\n")
	assert.Contains(t, text, "1 to publish")
	assert.Contains(t, text, "deployed by cdk-hnb659fds-deploy-role-111111111111-eu-west-1")

	out, err := w.run("dev", execute)
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "created", "Edge": "created", "Api": "skipped"}, actions(out))
	assert.Contains(t, w.log.String(), "plan again for the remaining ones")

	stacks, text = w.plan(file)
	assert.Equal(t, map[string]planned.Intent{"Data": "unchanged", "Api": "create", "Edge": "unchanged"}, intents(stacks))
	assert.Contains(t, text, "Api/Jobs/Later/Resource", "nested stacks are planned too")
	w.ForgetCalls()
	out, err = w.run("dev", execute)
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "unchanged", "Edge": "unchanged", "Api": "created"}, actions(out))
	assert.Zero(t, w.Calls()["cloudformation:CreateChangeSet"], "what was prepared is executed")

	w.shape("broader")
	stacks, text = w.plan(file)
	assert.Equal(t, map[string]planned.Intent{"Data": "unchanged", "Api": "unchanged", "Edge": "update"}, intents(stacks))
	assert.Contains(t, text, "broader permissions: lambda.amazonaws.com may assume")
	assert.Contains(t, text, "may s3:GetObject on *")

	w.shape("changed")
	_, err = w.run("dev", execute)
	require.ErrorContains(t, err, "differs from the plan")
	_, err = w.run("dev", execute, func(in *deploy.Input) { in.Commit = "f" + commit[1:] })
	require.ErrorContains(t, err, "is a plan of commit "+commit)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	stacks, text = w.plan(file)
	assert.Equal(t, planned.Intent("update"), stacks["Data"].Intent)
	assert.Contains(t, text, "VisibilityTimeout: 30 → 60")
}

// traces are the stacks and the objects that dev has, in both regions.
func (w *world) traces() (all []string) {
	w.t.Helper()
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		cfg, err := w.base(w.t.Context())
		require.NoError(w.t, err)
		cfg.Region = region
		api := cloudformation.NewFromConfig(cfg)
		found, err := api.DescribeStacks(w.t.Context(), &cloudformation.DescribeStacksInput{})
		require.NoError(w.t, err)
		for _, s := range found.Stacks {
			sets, err := api.ListChangeSets(w.t.Context(), &cloudformation.ListChangeSetsInput{StackName: s.StackId})
			require.NoError(w.t, err)
			all = append(all, fmt.Sprint(*s.StackId, " ", s.StackStatus, " ", len(sets.Summaries)))
		}
		bucket := "cdk-hnb659fds-assets-" + dev + "-" + region
		versions, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListObjectVersions(w.t.Context(), &s3.ListObjectVersionsInput{Bucket: &bucket})
		require.NoError(w.t, err)
		assert.Empty(w.t, versions.DeleteMarkers)
		for _, v := range versions.Versions {
			all = append(all, *v.Key+" "+*v.VersionId)
		}
	}
	return all
}

func TestAPlanThatIsNotKeptIsRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := func(in *deploy.Input) { in.Plan = true }
	_, err := w.run("dev", func(in *deploy.Input) { in.Stacks = []string{"Data"} })
	require.NoError(t, err, w.log.String()+w.out.String())
	w.shape("large")
	before := w.traces()
	w.ForgetCalls()
	out, err := w.run("dev", plan)
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.Equal(t, map[string]string{"Data": "planned: unchanged", "Api": "planned: create", "Edge": "planned: create"}, actions(out))
	assert.Contains(t, w.stdout.String(), "Api/Jobs/Later/Resource", "nested stacks are planned too")
	assert.Contains(t, w.stdout.String(), "all that was created for this plan was deleted")
	assert.Equal(t, 2, w.Calls()["s3:PutObject"], "the nested template and the large one are published for the time being")
	assert.Equal(t, before, w.traces())

	ctx, stop := context.WithCancel(t.Context())
	w.onEvent = func(e progress.Event) {
		if e.Step == "published" {
			stop()
		}
	}
	_, err = w.runIn(ctx, "dev", plan)
	require.Error(t, err)
	assert.Equal(t, errs.Cancelled, errs.KindOf(err))
	assert.Equal(t, before, w.traces(), "a plan that is stopped leaves nothing either")
}
