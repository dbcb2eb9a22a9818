package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/checkout"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/pipeline"
)

// Three commits of one branch, and one of another.
var (
	commit1, commit2, commit3 = strings.Repeat("1", 40), strings.Repeat("2", 40), strings.Repeat("3", 40)
	rewritten                 = strings.Repeat("f", 40)
)

// waves has dev, and prod after it with an approval.
const waves = `version: "1.0"
environments:
  - {name: dev, account: "111111111111", region: eu-west-1, stacks: [{name: Api}]}
  - {name: prod, account: "222222222222", region: eu-west-1, stacks: [{name: Api}], requiresApproval: true, after: [dev]}
`

// asked is the input of a run that a person asks for.
func asked(t *testing.T, purpose plan.Purpose, commit string, environments ...string) pipeline.Input {
	t.Helper()
	in := inTemplate(t, waves)
	in.Commit, in.Purpose, in.Only, in.ConfigDigest = commit, string(purpose), environments, config.Digest([]byte(waves))
	in.Digest = "sha256:" + strings.Repeat("d", 64)
	in.Artifact = bucket.ArtifactKey(commit, in.Digest)
	return in
}

// steered has environments with these states, and commits that were proven somewhere.
func steered(t *testing.T, w *world, has map[string]stage.Deployed, proven ...string) pipeline.Deps {
	t.Helper()
	d := w.deps(waves)
	for environment, state := range has {
		data, err := json.Marshal(state)
		require.NoError(t, err)
		require.NoError(t, d.Bucket.Create(t.Context(), bucket.ReachedKey(environment), data))
	}
	d.Proven = func(_ context.Context, commit, environment string) (bool, error) {
		for _, one := range proven {
			if one == commit+" "+environment {
				return true, nil
			}
		}
		return false, nil
	}
	d.Order = func(_ context.Context, _ stage.Frame, in pipeline.Input, other string) (checkout.Order, error) {
		switch {
		case in.Commit == rewritten || other == rewritten:
			return checkout.Diverged, nil
		case in.Commit == other:
			return checkout.Same, nil
		case in.Commit < other:
			return checkout.Before, nil
		}
		return checkout.After, nil
	}
	d.Check = func(context.Context, stage.Frame, *config.Config, deploy.Copy) (pipeline.Checked, error) {
		t.Error("nothing is synthesized again")
		return pipeline.Checked{}, nil
	}
	return d
}

func TestARollbackDeploysToItsEnvironmentAloneAndChangesNothingOfThePipeline(t *testing.T) {
	var w world
	d := steered(t, &w, map[string]stage.Deployed{"prod": {Commit: commit3, Run: "shop-3"}}, commit2+" prod")
	d.Attests = func(context.Context, *config.Config) (bool, error) { return true, nil }
	out, started, err := inRun(t, &w, d, asked(t, plan.ToRollBack, commit2, "prod"))
	require.NoError(t, err)
	assert.Equal(t, pipeline.Unchanged, out.Result)
	assert.Equal(t, ",dev,", out.LeftOut)
	assert.Equal(t, ",dev,", out.NoApproval, "prod waits for its approval")
	assert.True(t, out.Attested)
	assert.Empty(t, started)
	assert.Empty(t, w.applied)
	out, _, err = inRun(t, &w, steered(t, &w, nil, commit2+" dev"), asked(t, plan.ToRollBack, commit2, "dev"))
	require.NoError(t, err)
	assert.Equal(t, ",prod,", out.LeftOut)
	assert.Equal(t, ",dev,prod,", out.NoApproval, "nobody is asked for what is left out")
	assert.False(t, out.Attested, "outside of a cluster nobody attests")
}

func TestAPersonGetsOnlyWhatTheRecordsAllow(t *testing.T) {
	at3 := map[string]stage.Deployed{"dev": {Commit: commit3, Run: "shop-3"}, "prod": {Commit: commit2, Run: "shop-2"}}
	back := map[string]stage.Deployed{"dev": {Commit: commit1, Run: "shop-1-b1", Refused: commit3}}
	for name, c := range map[string]struct {
		has     map[string]stage.Deployed
		proven  []string
		purpose plan.Purpose
		commit  string
		to      string
		problem string // empty: it is allowed
	}{
		"a rollback to a proven commit":                {at3, []string{commit1 + " dev"}, plan.ToRollBack, commit1, "dev", ""},
		"a rollback to one of a rewritten branch":      {at3, []string{rewritten + " dev"}, plan.ToRollBack, rewritten, "dev", ""},
		"a rollback to one proven elsewhere":           {at3, []string{commit1 + " dev"}, plan.ToRollBack, commit1, "prod", "was not proven in environment prod"},
		"a rollback to nowhere":                        {at3, []string{commit3 + " dev"}, plan.ToRollBack, commit3, "dev", "has commit " + commit3 + " already"},
		"a rollback forward to what was rolled back":   {back, []string{commit3 + " dev"}, plan.ToRollBack, commit3, "dev", "was rolled back in environment dev"},
		"a rollback between both":                      {back, []string{commit2 + " dev"}, plan.ToRollBack, commit2, "dev", ""},
		"a redeployment of what is there":              {at3, nil, plan.ToRedeploy, commit3, "dev", ""},
		"a redeployment of what was rolled back":       {back, nil, plan.ToRedeploy, commit3, "dev", ""},
		"a redeployment of anything else":              {back, nil, plan.ToRedeploy, commit2, "dev", "environment dev has commit " + commit1},
		"a promotion of what dev proved":               {at3, []string{commit3 + " dev"}, plan.ToPromote, commit3, "prod", ""},
		"a promotion of what dev did not prove":        {at3, []string{commit3 + " prod"}, plan.ToPromote, commit3, "prod", "was not proven in environment dev"},
		"a promotion of an older commit":               {at3, []string{commit1 + " dev"}, plan.ToPromote, commit1, "prod", "is superseded"},
		"a promotion of another branch":                {at3, []string{rewritten + " dev"}, plan.ToPromote, rewritten, "prod", "does not follow"},
		"a promotion of what was rolled back there":    {back, nil, plan.ToPromote, commit3, "dev", "was rolled back in environment dev"},
		"a promotion of what is older than that":       {back, nil, plan.ToPromote, commit2, "dev", "had the newer commit " + commit3},
		"a retry of the newest commit":                 {at3, []string{commit3 + " dev"}, plan.ToRetry, commit3, "prod", ""},
		"a retry of an older commit":                   {at3, nil, plan.ToRetry, commit2, "dev", "is superseded"},
		"an environment that the commit does not have": {at3, nil, plan.ToRetry, commit3, "test", "does not have the environment test"},
	} {
		t.Run(name, func(t *testing.T) {
			var w world
			_, _, err := inRun(t, &w, steered(t, &w, c.has, c.proven...), asked(t, c.purpose, c.commit, c.to))
			if c.problem == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.problem)
			assert.NotEqual(t, errs.Temporary, errs.KindOf(err))
			assert.NotEmpty(t, errs.HintOf(err))
		})
	}
}

func TestAnArtifactOfAnotherCommitIsRefused(t *testing.T) {
	for name, change := range map[string]func(*pipeline.Input){
		"the artifact of another commit": func(in *pipeline.Input) { in.Artifact = bucket.ArtifactKey(commit1, in.Digest) },
		"another digest":                 func(in *pipeline.Input) { in.Digest = "sha256:" + strings.Repeat("e", 64) },
		"no digest of the configuration": func(in *pipeline.Input) { in.ConfigDigest = "" },
		"another configuration":          func(in *pipeline.Input) { in.ConfigDigest = config.Digest([]byte(gated)) },
		"no environment":                 func(in *pipeline.Input) { in.Only = nil },
		"none that the template has":     func(in *pipeline.Input) { in.Environments = []string{"dev"} },
	} {
		var w world
		in := asked(t, plan.ToRollBack, commit2, "prod")
		change(&in)
		_, _, err := inRun(t, &w, steered(t, &w, nil, commit2+" prod"), in)
		require.Error(t, err, name)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), "%s: %v", name, err)
	}
}

func TestAnEnvironmentInAnAccountThatNobodyApprovedIsNotDeployed(t *testing.T) {
	var w world
	d := steered(t, &w, nil, commit2+" prod")
	d.Approved = func(_ context.Context, _ *config.Config, access plan.Access) (bool, error) {
		return access.Account == "111111111111", nil
	}
	_, _, err := inRun(t, &w, d, asked(t, plan.ToRollBack, commit2, "prod"))
	require.ErrorContains(t, err, "no person approved that the pipeline accesses account 222222222222")
}

func TestARunOfAPushDeploysNothingThatWasRolledBack(t *testing.T) {
	var w world
	has := map[string]stage.Deployed{"dev": {Commit: commit1, Run: "shop-1-b1", Refused: commit2}}
	push := func(commit string) error {
		d := steered(t, &w, has)
		d.Check = func(context.Context, stage.Frame, *config.Config, deploy.Copy) (pipeline.Checked, error) {
			return pipeline.Checked{}, nil
		}
		in := inTemplate(t, waves)
		in.Commit = commit
		_, _, err := inRun(t, &w, d, in)
		return err
	}
	require.ErrorContains(t, push(commit2), "was rolled back in environment dev: run shop-1-b1 went back to commit "+commit1)
	has = map[string]stage.Deployed{"dev": {Commit: commit1, Run: "shop-1-b1", Refused: commit3}}
	require.ErrorContains(t, push(commit2), "had the newer commit "+commit3+", which run shop-1-b1 rolled back")
	has = map[string]stage.Deployed{"dev": {Commit: commit1, Run: "shop-1-b1", Refused: commit2}}
	require.NoError(t, push(commit3), "a newer commit is deployed")
}

func TestARollbackIsStoredUntilANewerCommitComes(t *testing.T) {
	var w world
	b := w.deps(waves).Bucket
	env := config.Environment{Name: "dev", Account: "111111111111", Region: "eu-west-1"}
	has := func(run, commit string, purpose plan.Purpose) stage.Deployed {
		t.Helper()
		store := inventory.Store{Bucket: b, Engine: deploy.Engine{Run: run}}
		require.NoError(t, store.KeepReached(t.Context(), &config.Config{}, env, commit, purpose))
		all, err := store.Reached(t.Context())
		require.NoError(t, err)
		return all["dev"]
	}
	has("1", commit1, "")
	assert.Empty(t, has("2", commit2, "").Refused)
	assert.Equal(t, commit2, has("1-b1", commit1, plan.ToRollBack).Refused)
	assert.Equal(t, commit2, has("1-b1", commit1, plan.ToRollBack).Refused, "in another attempt of the step too")
	assert.Equal(t, commit2, has("1-r1", commit1, plan.ToRedeploy).Refused)
	assert.Equal(t, commit2, has("0-b1", rewritten, plan.ToRollBack).Refused, "the newest of all that were rolled back")
	assert.Empty(t, has("2-r1", commit2, plan.ToRedeploy).Refused, "a person wants it back")
	assert.Equal(t, commit2, has("1-b2", commit1, plan.ToRollBack).Refused)
	assert.Empty(t, has("3", commit3, "").Refused)
	err := inventory.Store{Bucket: b, Engine: deploy.Engine{Run: "2"}}.KeepReached(t.Context(), &config.Config{}, env, commit2, "")
	require.ErrorContains(t, err, "is superseded", "a retried step of an earlier run")
}

func TestAClusterThatCannotSayWhetherItAttestsFailsTheStep(t *testing.T) {
	var w world
	d := steered(t, &w, nil, commit2+" dev")
	d.Attests = func(context.Context, *config.Config) (bool, error) { return false, errors.New("no route") }
	_, _, err := inRun(t, &w, d, asked(t, plan.ToRollBack, commit2, "dev"))
	require.ErrorContains(t, err, "no route")
}
