package steer_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/runs/steer"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/record"
)

var (
	one, two, three = strings.Repeat("1", 40), strings.Repeat("2", 40), strings.Repeat("3", 40)
	noon            = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	digest          = "sha256:" + strings.Repeat("d", 64)
)

// history is a pipeline with dev and prod, and the runs that ended.
type history struct {
	steer.Source
	t    *testing.T
	ends time.Time
}

func newHistory(t *testing.T) *history {
	return &history{steer.Source{Bucket: buckettest.New(nil), Environments: []string{"dev", "prod"}, Prefix: "shop-"}, t, noon}
}

// ran adds a run; steps are its steps after the build, which failed if they begin with a "!".
func (h *history) ran(run, commit string, steps ...string) {
	h.t.Helper()
	h.ends = h.ends.Add(time.Hour)
	d := record.Document{
		Workflow: run, Commit: commit, Status: "Succeeded", Ended: h.ends, Failures: []record.Failure{},
		Built: &record.Built{Artifact: bucket.ArtifactKey(commit, digest), Digest: digest, ConfigDigest: "sha256:c"},
	}
	for _, step := range steps {
		name, failed := strings.CutPrefix(step, "!")
		s := stage.Record{Step: name, Status: stage.Done, Ended: h.ends}
		if failed {
			s.Status, d.Status = "failed", "Failed"
		}
		d.Steps = append(d.Steps, s)
	}
	require.NoError(h.t, record.Store(h.t.Context(), h.Bucket, d))
	_ = h.Bucket.Create(h.t.Context(), bucket.ArtifactKey(commit, digest), []byte("workspace"))
}

func (h *history) has(environment string, has stage.Deployed) {
	h.t.Helper()
	data, err := json.Marshal(has)
	require.NoError(h.t, err)
	require.NoError(h.t, h.Bucket.Update(h.t.Context(), bucket.ReachedKey(environment), func([]byte) ([]byte, error) { return data, nil }))
}

// usual has three commits: dev has all, prod two; the tests of the third failed in dev.
func usual(t *testing.T) *history {
	h := newHistory(t)
	h.ran("shop-"+one[:32], one, "pipeline", "deploy-dev", "test-dev", "deploy-prod")
	h.ran("shop-"+two[:32], two, "pipeline", "deploy-dev", "test-dev", "deploy-prod")
	h.ran("shop-"+three[:32], three, "pipeline", "deploy-dev", "!test-dev")
	h.has("dev", stage.Deployed{Commit: three})
	h.has("prod", stage.Deployed{Commit: two})
	return h
}

func TestARollbackGoesToTheLastProvenCommitBeforeThePresentOne(t *testing.T) {
	h := usual(t)
	dev, err := h.RollBack(t.Context(), "dev", "")
	require.NoError(t, err)
	assert.Equal(t, two, dev.Commit)
	assert.Equal(t, three, dev.Has)
	assert.Equal(t, "shop-"+two[:32], dev.Because)
	assert.Equal(t, []string{"dev"}, dev.Environments)
	assert.Equal(t, bucket.ArtifactKey(two, digest), dev.Artifact)
	assert.Equal(t, "shop-"+two[:32]+"-b1", h.Name(dev.Asked, dev.Number))
	prod, err := h.RollBack(t.Context(), "prod", "")
	require.NoError(t, err)
	assert.Equal(t, one, prod.Commit)

	h.ran("shop-"+two[:32]+"-b1", two, "pipeline", "deploy-dev", "test-dev")
	h.has("dev", stage.Deployed{Commit: two, Refused: three})
	dev, err = h.RollBack(t.Context(), "dev", "")
	require.NoError(t, err)
	assert.Equal(t, one, dev.Commit, "a second rollback goes further back")
	dev, err = h.RollBack(t.Context(), "dev", two[:7])
	require.NoError(t, err)
	assert.Equal(t, "shop-"+two[:32]+"-b2", h.Name(dev.Asked, dev.Number), "each run has a name of its own")
}

func TestARollbackThatIsNotPossibleSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change          func(*history)
		environment, to string
		problem         string
	}{
		"an unknown environment":  {nil, "test", "", `the configuration has no environment "test"`},
		"an unknown commit":       {nil, "dev", "abcdef", `no run has a commit that begins with "abcdef"`},
		"digits that are too few": {nil, "dev", "111", `no run has a commit that begins with "111"`},
		"an unproven commit":      {nil, "dev", three, "was not proven in environment dev"},
		"nothing before":          {func(h *history) { h.has("prod", stage.Deployed{Commit: one}) }, "prod", "", "has no commit to go back to"},
		"two commits":             {func(h *history) { h.ran("shop-x", strings.Repeat("1", 39)+"2", "deploy-dev") }, "dev", "1111", "2 commits begin with"},
		"an artifact that expired": {func(h *history) {
			h.ran("shop-y", strings.Repeat("4", 40), "deploy-prod")
			d, err := record.ReadRun(t.Context(), h.Bucket, "shop-y")
			require.NoError(t, err)
			d.Built.Artifact = "gone.tar.zst"
			require.NoError(t, record.Store(t.Context(), h.Bucket, d))
		}, "prod", "4444", "has expired"},
		"a record of an earlier version": {func(h *history) {
			h.ran("shop-y", strings.Repeat("4", 40), "deploy-prod")
			d, err := record.ReadRun(t.Context(), h.Bucket, "shop-y")
			require.NoError(t, err)
			d.Built = nil
			require.NoError(t, record.Store(t.Context(), h.Bucket, d))
		}, "prod", "4444", "is of an earlier version"},
	} {
		h := usual(t)
		if c.change != nil {
			c.change(h)
		}
		_, err := h.RollBack(t.Context(), c.environment, c.to)
		require.ErrorContains(t, err, c.problem, name)
		assert.NotEmpty(t, errs.HintOf(err), name)
	}
}

func TestARedeploymentIsOfWhatAnEnvironmentHasOrHad(t *testing.T) {
	h := usual(t)
	dev, err := h.Redeploy(t.Context(), "dev", "")
	require.NoError(t, err)
	assert.Equal(t, three, dev.Commit, "also if its tests failed")
	assert.Equal(t, "shop-"+three[:32]+"-r1", h.Name(dev.Asked, dev.Number))
	_, err = h.Redeploy(t.Context(), "dev", two)
	require.ErrorContains(t, err, "environment dev has commit "+three)
	h.has("dev", stage.Deployed{Commit: two, Refused: three})
	dev, err = h.Redeploy(t.Context(), "dev", three[:8])
	require.NoError(t, err)
	assert.Equal(t, three, dev.Commit)
	_, err = newHistory(t).Redeploy(t.Context(), "dev", "")
	require.ErrorContains(t, err, "no run deployed to environment dev yet")
}

func TestAPromotionIsOfWhatWasProven(t *testing.T) {
	h := usual(t)
	_, err := h.Promote(t.Context(), "dev", "prod")
	require.ErrorContains(t, err, "was not proven there")
	h.ran("shop-"+three[:32]+"-r1", three, "pipeline", "deploy-dev", "test-dev")
	prod, err := h.Promote(t.Context(), "dev", "prod")
	require.NoError(t, err)
	assert.Equal(t, plan.ToPromote, prod.Purpose)
	assert.Equal(t, three, prod.Commit)
	assert.Equal(t, two, prod.Has)
	assert.Equal(t, []string{"prod"}, prod.Environments)
	assert.Equal(t, "shop-"+three[:32]+"-r2", h.Name(prod.Asked, prod.Number))
	_, err = h.Promote(t.Context(), "dev", "dev")
	require.ErrorContains(t, err, "from one environment to another")
}

func TestARetryIsOfWhatARunDidNotGetTo(t *testing.T) {
	h := usual(t)
	all, err := h.Retry(t.Context(), "shop-"+three[:32], "")
	require.NoError(t, err)
	assert.Equal(t, []string{"dev", "prod"}, all.Environments)
	only, err := h.Retry(t.Context(), "shop-"+three[:32], "prod")
	require.NoError(t, err)
	assert.Equal(t, []string{"prod"}, only.Environments)
	assert.Equal(t, plan.ToRetry, only.Purpose)
	_, err = h.Retry(t.Context(), "shop-"+two[:32], "")
	require.ErrorContains(t, err, "deployed to all of its environments")
	_, err = h.Retry(t.Context(), "shop-9", "")
	require.ErrorContains(t, err, "has not ended, or there is none of that name")

	four := strings.Repeat("4", 40)
	h.ran("shop-"+four[:32], four, "!build")
	again, err := h.Retry(t.Context(), "shop-"+four[:32], "")
	require.NoError(t, err)
	assert.Equal(t, plan.ToStart, again.Purpose, "nothing was built")
	assert.Empty(t, again.Entry())
	_, err = h.Retry(t.Context(), "shop-"+four[:32], "prod")
	require.ErrorContains(t, err, "ended before its environments")
}

func TestACommitIsStartedAgainUnderAnotherName(t *testing.T) {
	h := usual(t)
	four := strings.Repeat("4", 40)
	first, err := h.Start(t.Context(), four)
	require.NoError(t, err)
	assert.Equal(t, "shop-"+four[:32], h.Name(first.Asked, first.Number))
	again, err := h.Start(t.Context(), three)
	require.NoError(t, err)
	assert.Equal(t, "shop-"+three[:32]+"-r1", h.Name(again.Asked, again.Number))
	assert.Empty(t, slices.DeleteFunc([]string{again.Artifact, again.Digest}, func(s string) bool { return s == "" }))
}
