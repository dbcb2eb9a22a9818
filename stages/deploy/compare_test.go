package deploy_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/config"
	engine "github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/diff"
	"github.com/aphex/aphex-pipeline/internal/deploy/planned"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/progress"
	"github.com/aphex/aphex-pipeline/internal/report/redact"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/deploy"
)

// compare plans every environment from templates.
func (w *world) compare() (map[string]*planned.Plan, error) {
	w.t.Helper()
	cfg, err := config.Load(filepath.Join(w.source, "aphex-config.yaml"))
	require.NoError(w.t, err)
	frame := stage.Frame{Log: slog.New(slog.NewTextHandler(locked{&w.mu, &w.log}, nil)), Out: locked{&w.mu, &w.out}, Redactor: redact.New(), Workflow: "run-1"}
	plans, err := w.deps().Engine.In(frame, progress.Options{}).Compare(w.t.Context(), engine.CheckRequest{
		Config: cfg, Commit: commit, Scratch: w.t.TempDir(), Limit: time.Minute,
		Workspace: func(ctx context.Context, to command.Files) (string, error) { return w.source, to.Send(ctx, w.source) },
	})
	byName := map[string]*planned.Plan{}
	for _, p := range plans {
		byName[p.Environment] = p
	}
	return byName, err
}

const devAlone = `
  - name: dev
    account: "111111111111"
    region: eu-west-1
    requiresApproval: true
    stacks: [{name: Data}, {name: Api}, {name: Edge}]
`

// facts are what two plans of the same changes have in common, whatever they are made of.
func facts(p *planned.Plan) map[string]planned.Resource {
	all := map[string]planned.Resource{}
	for _, s := range p.Stacks {
		for _, c := range s.Changes {
			if c.Type != "AWS::CloudFormation::Stack" { // a change set says why each is looked into
				all[s.Stack+" "+string(s.Intent)+" "+c.Name()] = planned.Resource{Action: c.Action, LogicalID: c.LogicalID, Nested: c.Nested, Type: c.Type, Causes: c.Causes, Data: c.Data}
			}
		}
	}
	return all
}

func TestAComparisonOfTemplatesFindsWhatChangeSetsFindAndCreatesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(devAlone)
	w.ForgetCalls()
	plans, err := w.compare()
	require.NoError(t, err, w.log.String()+w.out.String())
	first := plans["dev"]
	assert.Equal(t, planned.FromTemplates, first.Basis)
	assert.Equal(t, []planned.Gate{{Gate: "approval", Reason: "requiresApproval is set"}}, first.Gates)
	assert.False(t, first.Destructive)
	found := facts(first)
	assert.Equal(t, "add", found["Api create Api/Jobs/Later/Resource"].Action, "nested stacks are planned too")
	for call := range w.Calls() {
		service, _, _ := strings.Cut(call, ":")
		assert.Contains(t, []string{"sts", "cloudformation", "ssm"}, service)
		assert.Regexp(t, "^(sts:|cloudformation:(Describe|Get)|ssm:GetParameter)", call, "it only reads")
	}

	w.shape("tables")
	_, err = w.run("dev")
	require.NoError(t, err, w.log.String()+w.out.String())
	plans, err = w.compare()
	require.NoError(t, err, w.log.String()+w.out.String())
	assert.False(t, plans["dev"].Changes(), "what was deployed is unchanged")

	w.shape("tables moved")
	plans, err = w.compare()
	require.NoError(t, err, w.log.String()+w.out.String())
	file := filepath.Join(t.TempDir(), "plan.json")
	_, err = w.run("dev", func(in *deploy.Input) { in.PlanFile = file })
	require.NoError(t, err, w.log.String()+w.out.String())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	exact := &planned.Plan{}
	require.NoError(t, json.Unmarshal(data, exact))
	compared := plans["dev"]
	assert.Equal(t, facts(exact), facts(compared))
	assert.Equal(t, exact.Broader, compared.Broader)
	for i := range exact.Stacks {
		assert.Equal(t, exact.Stacks[i].Broader, compared.Stacks[i].Broader)
		assert.Equal(t, exact.Stacks[i].Digest, compared.Stacks[i].Digest)
	}
	assert.True(t, compared.Destructive)
	found = facts(compared)
	assert.Equal(t, planned.Resource{Action: "replace", LogicalID: "Table", Type: "AWS::DynamoDB::Table", Causes: []string{"TableName"}, Data: diff.Deleted}, found["Data update Data/Table"])
	assert.Equal(t, diff.Deleted, found["Api update Api/Jobs/InnerTable"].Data)
	assert.Equal(t, []string{"TopicName"}, found["Data update Data/Named/Resource"].Causes, "what refers to a replaced resource may be replaced")
	assert.Equal(t, diff.Retained, found["Data update Kept"].Data)
	assert.Equal(t, diff.Deleted, found["Data update Gone"].Data)
}

func TestAnEnvironmentThatCannotBePlannedSaysWhyAndTheOthersArePlanned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.configure(devAlone + `
  - {name: own, account: "111111111111", region: eu-west-1, roleArn: "arn:aws:iam::111111111111:role/own", stacks: [{name: Data}]}
  - {name: elsewhere, account: "333333333333", region: eu-west-1, stacks: [{name: Data}]}
`)
	plans, err := w.compare()
	require.NoError(t, err, "no account is the fault of the commit")
	assert.Contains(t, plans["own"].Problem, "only its deployment may assume arn:aws:iam::111111111111:role/own")
	assert.Contains(t, plans["elsewhere"].Problem, "333333333333")
	assert.False(t, plans["own"].Complete)
	assert.Len(t, plans["dev"].Stacks, 3)

	w.shape("error")
	w.configure(devAlone)
	plans, err = w.compare()
	require.ErrorContains(t, err, "environment dev: ")
	assert.Contains(t, plans["dev"].Problem, "this is wrong")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
}
