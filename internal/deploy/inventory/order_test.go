package inventory_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/bucket"
	"github.com/aphex/aphex-pipeline/internal/bucket/buckettest"
	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy"
	"github.com/aphex/aphex-pipeline/internal/deploy/inventory"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// pipeline is a pipeline with tests in staging, and prod after it.
type pipeline struct {
	*buckettest.Memory
	cfg *config.Config
}

func newPipeline(supersede config.Supersede) pipeline {
	return pipeline{buckettest.New(nil), &config.Config{Supersede: supersede, Environments: []config.Environment{
		{Name: "staging", Account: "111111111111", Region: "eu-west-1", Tests: &config.Tests{}},
		{Name: "prod", Account: "111111111111", Region: "eu-west-1", After: []string{"staging"}, RequiresApproval: true},
	}}}
}

func (p pipeline) store(run string) inventory.Store {
	return inventory.Store{Bucket: p, Engine: deploy.Engine{Run: run}}
}

func bg() context.Context { return context.Background() }

func run(number int) string    { return fmt.Sprintf("run-%d", number) }
func commit(number int) string { return fmt.Sprintf("%040d", number) }

// enters adds a run at the end of the order, which then updates the pipeline.
func (p pipeline) enters(t require.TestingT, number int) {
	p.adds(t, number)
	require.NoError(t, p.store(run(number)).MakeReady(bg()))
}

// adds adds a run at the end of the order.
func (p pipeline) adds(t require.TestingT, number int) {
	order, err := inventory.ReadOrder(bg(), p)
	require.NoError(t, err)
	newest, _ := order.Newest()
	require.NoError(t, p.store(run(number)).AddToOrder(bg(), inventory.Ordered{Run: run(number), Commit: commit(number)}, newest))
}

// begins is the beginning of a deployment.
func (p pipeline) begins(number int, environment string) error {
	env, _ := p.cfg.Environment(environment)
	return p.store(run(number)).KeepReached(bg(), p.cfg, env, commit(number), "")
}

// ends records the end of a step.
func (p pipeline) ends(t require.TestingT, number int, step, status string) {
	data, err := json.Marshal(stage.Record{Workflow: run(number), Step: step, Status: status})
	require.NoError(t, err)
	p.Set(bucket.StepRecordKey(run(number), step, 1), string(data))
}

// records is the end of a run.
func (p pipeline) records(number int) { p.Set(bucket.RunRecordKey(run(number)), "{}") }

// tested deploys to staging and tests there.
func (p pipeline) tested(t require.TestingT, number int) {
	require.NoError(t, p.begins(number, "staging"))
	p.ends(t, number, "deploy-staging", stage.Done)
	p.ends(t, number, "test-staging", stage.Done)
}

func TestARunThatWaitsLeavesOutAnEnvironmentForWhichANewerOneWaits(t *testing.T) {
	p := newPipeline(config.SupersedeWaiting)
	p.enters(t, 1)
	p.tested(t, 1)
	p.enters(t, 2)
	p.enters(t, 3)
	err := p.begins(2, "staging")
	require.ErrorContains(t, err, "commit "+commit(2)+" is superseded: run run-3 waits for environment staging with the newer commit "+commit(3))
	assert.Equal(t, errs.Superseded, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "supersede: never")

	require.NoError(t, p.begins(1, "prod"), "the newer run has not come so far")
	require.NoError(t, p.begins(3, "staging"))
	p.ends(t, 3, "deploy-staging", stage.Done)
	require.NoError(t, p.begins(1, "prod"), "its tests are not done")
	p.ends(t, 3, "test-staging", errs.Failed.String())
	require.NoError(t, p.begins(1, "prod"), "its tests failed: it never comes so far")
	p.ends(t, 3, "test-staging", stage.Done)
	require.ErrorContains(t, p.begins(1, "prod"), "run run-3 waits for environment prod")
	require.NoError(t, p.begins(3, "prod"))
}

func TestARunThatDoesNotComeSupersedesNone(t *testing.T) {
	p := newPipeline(config.SupersedeWaiting)
	p.enters(t, 1)
	p.tested(t, 1)
	p.enters(t, 2)
	p.tested(t, 2)
	p.adds(t, 3)
	require.NoError(t, p.begins(2, "staging"), "the newer run updates the pipeline yet, and may fail to")

	p.adds(t, 4)
	p.enters(t, 5)
	require.ErrorContains(t, p.begins(2, "staging"), "run run-5 waits")
	p.records(5)
	require.NoError(t, p.begins(2, "staging"), "it was stopped, or failed")

	require.ErrorContains(t, p.begins(1, "prod"), "run run-2 waits for environment prod")
	p.records(2)
	require.NoError(t, p.begins(1, "prod"), "a person refused the newer run, and approved this one")
}

func TestARunThatTheOrderDoesNotHaveIsNotDeployed(t *testing.T) {
	p := newPipeline(config.SupersedeWaiting)
	require.NoError(t, p.begins(0, "staging"), "no run was added yet")
	p.enters(t, 1)
	p.enters(t, 2)
	p.tested(t, 2)
	p.records(2)
	err := p.begins(9, "staging")
	require.ErrorContains(t, err, "run run-9 is not one of the last 200 runs", "it was resubmitted with the results of an older run, so that nothing compared its commit")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Contains(t, errs.HintOf(err), "without --memoized")
	for number := range 200 {
		p.enters(t, 10+number)
		p.records(10 + number)
	}
	require.ErrorContains(t, p.begins(1, "prod"), "there are too many newer ones")
}

func TestEachRunDeploysIfNoneIsToBeSuperseded(t *testing.T) {
	p := newPipeline(config.SupersedeNever)
	for number := range 3 {
		p.enters(t, number)
	}
	for number := range 3 {
		require.NoError(t, p.begins(number, "staging"))
	}
	err := p.begins(1, "staging")
	require.ErrorContains(t, err, "is superseded: run run-2 began to deploy commit "+commit(2), "an older commit never goes over a newer one")
	assert.Equal(t, errs.Superseded, errs.KindOf(err))
}

func TestTheSuccessorOfARunDoesNotSupersedeIt(t *testing.T) {
	p := newPipeline(config.SupersedeWaiting)
	p.enters(t, 1)
	order, err := inventory.ReadOrder(bg(), p)
	require.NoError(t, err)
	newest, _ := order.Newest()
	require.NoError(t, p.store("run-1-h").AddToOrder(bg(), inventory.Ordered{Run: "run-1-h", Commit: commit(1)}, newest))
	require.NoError(t, p.begins(1, "staging"))
}

func TestAnOlderRunTakesNoApprovalAwayThatANewerCommitAdded(t *testing.T) {
	free := config.Environment{Name: "prod", Account: "111111111111", Region: "eu-west-1"}
	stored := func(later bool) (has stage.Deployed) {
		p := newPipeline(config.SupersedeNever)
		p.enters(t, 1)
		if later {
			p.enters(t, 2)
		}
		require.NoError(t, p.store(run(2)).KeepApproval(bg(), "prod", stage.Deployed{Account: free.Account, Region: free.Region, Approval: true}, stage.Deployed{}))
		require.NoError(t, p.store(run(1)).KeepReached(bg(), p.cfg, free, commit(1), ""))
		require.NoError(t, json.Unmarshal([]byte(p.Document(bucket.ReachedKey("prod"))), &has))
		return has
	}
	assert.True(t, stored(true).Approval)
	assert.False(t, stored(false).Approval, "of the newest run, a person approved that")
}

// entering is a bucket in which a newer run enters the order right before a document changes.
type entering struct {
	pipeline
	key   string
	enter func()
}

func (e entering) Update(ctx context.Context, key string, change bucket.Change) error {
	if key == e.key {
		e.enter()
	}
	return e.pipeline.Update(ctx, key, change)
}

func TestAnApprovalStaysThatANewerRunFindsWhileAnOlderOneTakesItAway(t *testing.T) {
	p := newPipeline(config.SupersedeNever)
	free := config.Environment{Name: "prod", Account: "111111111111", Region: "eu-west-1"}
	p.Set(bucket.ReachedKey("prod"), `{"account":"111111111111","region":"eu-west-1","approval":true}`)
	p.enters(t, 1)
	once := sync.OnceFunc(func() { p.enters(t, 2) })
	store := inventory.Store{Bucket: entering{p, bucket.ReachedKey("prod"), once}, Engine: deploy.Engine{Run: run(1)}}
	require.NoError(t, store.KeepReached(bg(), p.cfg, free, commit(1), ""))
	assert.Contains(t, p.Document(bucket.ReachedKey("prod")), `"approval":true`)
}

func TestARunIsAddedOnlyAfterTheOneThatItWasComparedWith(t *testing.T) {
	p := newPipeline(config.SupersedeWaiting)
	p.enters(t, 1)
	two := inventory.Ordered{Run: run(2), Commit: commit(2)}
	err := p.store(run(2)).AddToOrder(bg(), two, inventory.Ordered{})
	require.ErrorContains(t, err, "run run-1 began at the same time")
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
	p.enters(t, 2)
	require.NoError(t, p.store(run(2)).AddToOrder(bg(), two, inventory.Ordered{}), "it was added by an earlier attempt of the step")
	for number := range 300 {
		p.enters(t, 3+number)
	}
	order, err := inventory.ReadOrder(bg(), p)
	require.NoError(t, err)
	assert.Len(t, order.Runs, 200)
	assert.True(t, order.After(run(302), run(301)))
	assert.False(t, order.After(run(301), run(302)))
	assert.False(t, order.After(run(302), run(1)), "it is not known any more")
}

// Runs work side by side in any order, some do not get past the update of the pipeline, are
// stopped, or have tests that fail, and some are killed and retried.
func TestInAnyHistoryEnvironmentsGetNewerCommitsAndTheNewestGoodOneLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPipeline(rapid.SampledFrom([]config.Supersede{config.SupersedeWaiting, config.SupersedeNever}).Draw(t, "supersede"))
		count := rapid.IntRange(1, 6).Draw(t, "runs")
		fates := rapid.SliceOfN(rapid.SampledFrom([]string{"good", "good", "tests fail", "update fails", "stopped"}), count, count).Draw(t, "fates")
		has, entered := map[string]int{"staging": -1, "prod": -1}, 0
		at, gone := make([]string, count), make([]bool, count) // the next environment of each run, and whether it ended
		act := func(number int) {
			environment := at[number]
			if fates[number] == "stopped" && environment == "prod" { // at its approval
				gone[number] = true
				p.records(number)
				return
			}
			err := p.begins(number, environment)
			if err != nil {
				require.Equal(t, errs.Superseded, errs.KindOf(err))
				gone[number] = true
				p.records(number)
				return
			}
			require.GreaterOrEqual(t, number, has[environment], "an older commit goes over a newer one")
			has[environment] = number
			if rapid.IntRange(0, 4).Draw(t, "killed") == 0 {
				return // the pod is retried, and begins again
			}
			p.ends(t, number, "deploy-"+environment, stage.Done)
			switch {
			case environment == "prod":
				gone[number] = true
				p.records(number)
			case fates[number] != "tests fail":
				p.ends(t, number, "test-staging", stage.Done)
				at[number] = "prod"
			default:
				p.ends(t, number, "test-staging", errs.Failed.String())
				gone[number] = true
				p.records(number)
			}
		}
		for {
			var able []int
			for number := range entered {
				if !gone[number] {
					able = append(able, number)
				}
			}
			if entered < count && (len(able) == 0 || rapid.Bool().Draw(t, "push")) {
				p.adds(t, entered)
				at[entered], gone[entered] = "staging", fates[entered] == "update fails"
				if !gone[entered] {
					require.NoError(t, p.store(run(entered)).MakeReady(bg()))
				}
				entered++
				continue
			}
			if len(able) == 0 {
				break
			}
			act(rapid.SampledFrom(able).Draw(t, "run"))
		}
		last := func(fates []string, wanted ...string) int {
			for number := range slices.Backward(fates) {
				if slices.Contains(wanted, fates[number]) {
					return number
				}
			}
			return -1
		}
		assert.Equal(t, last(fates, "good", "tests fail", "stopped"), has["staging"], "the newest commit is lost")
		if fates[count-1] == "good" {
			assert.Equal(t, count-1, has["prod"], "the newest good commit is lost")
		}
	})
}

// asks is the beginning of a deployment that a person asked for.
func (p pipeline) asks(purpose plan.Purpose, number int, environment string) error {
	env, _ := p.cfg.Environment(environment)
	return p.store(run(number)+"-"+string(purpose)).KeepReached(bg(), p.cfg, env, commit(number), purpose)
}

func TestNoRunUnderWayUndoesARollback(t *testing.T) {
	p := newPipeline(config.SupersedeNever)
	for number := 1; number <= 4; number++ {
		p.enters(t, number)
	}
	require.NoError(t, p.begins(1, "prod"))
	require.NoError(t, p.begins(3, "prod"))
	require.NoError(t, p.asks(plan.ToRollBack, 1, "prod"))
	require.ErrorContains(t, p.begins(2, "prod"), "rolled back commit "+commit(3), "it waited for its approval")
	require.ErrorContains(t, p.begins(3, "prod"), "superseded")
	require.ErrorContains(t, p.asks(plan.ToRetry, 2, "prod"), "rolled back commit "+commit(3))
	require.ErrorContains(t, p.asks(plan.ToPromote, 3, "prod"), "rolled back commit "+commit(3))
	require.NoError(t, p.asks(plan.ToRedeploy, 1, "prod"))
	require.NoError(t, p.begins(4, "prod"), "a newer commit")
	require.ErrorContains(t, p.asks(plan.ToPromote, 3, "prod"), "deployed the newer commit "+commit(4), "it waited for its approval")
	require.NoError(t, p.asks(plan.ToRollBack, 3, "prod"))
	require.NoError(t, p.asks(plan.ToRedeploy, 4, "prod"), "a person wants it back")
}
