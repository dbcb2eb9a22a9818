package schedule_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

func nodes(names ...string) []schedule.Node {
	var list []schedule.Node
	for _, name := range names {
		list = append(list, schedule.Node{Name: name})
	}
	return list
}

func TestLimitOneKeepsTheListedOrder(t *testing.T) {
	var order []string
	results := schedule.Run(t.Context(), 1, nodes("c", "a", "b"), func(_ context.Context, name string) (int, error) {
		order = append(order, name)
		return len(order), nil
	})
	assert.Equal(t, []string{"c", "a", "b"}, order)
	assert.Equal(t, 3, results[2].Value)
	assert.Equal(t, schedule.Done, results[2].State)
}

func TestDependenciesRunFirstRegardlessOfTheListedOrder(t *testing.T) {
	list := []schedule.Node{{Name: "api", After: []string{"database", "not selected"}}, {Name: "database"}}
	var order []string
	schedule.Run(t.Context(), 1, list, func(_ context.Context, name string) (int, error) {
		order = append(order, name)
		return 0, nil
	})
	assert.Equal(t, []string{"database", "api"}, order)
}

func TestIndependentWorkRunsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		schedule.Run(t.Context(), 3, nodes("a", "b", "c", "d"), func(context.Context, string) (int, error) {
			time.Sleep(time.Minute)
			return 0, nil
		})
		assert.Equal(t, 2*time.Minute, time.Since(start))
	})
}

func TestAFailureStartsNothingNewAndLetsRunningWorkFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		results := schedule.Run(t.Context(), 2, nodes("fails", "slow", "never", "neither"), func(_ context.Context, name string) (string, error) {
			if name == "fails" {
				time.Sleep(time.Second)
				return "partial", broken
			}
			time.Sleep(time.Hour)
			return name, nil
		})
		require.Len(t, results, 4)
		assert.Equal(t, schedule.Result[string]{Name: "fails", State: schedule.Failed, Value: "partial", Err: broken}, results[0])
		assert.Equal(t, schedule.Result[string]{Name: "slow", State: schedule.Done, Value: "slow"}, results[1])
		assert.Equal(t, schedule.Result[string]{Name: "never", State: schedule.Skipped, Because: "fails"}, results[2])
		assert.Equal(t, "fails", results[3].Because)
	})
}

func TestCancellationStartsNothingNew(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	results := schedule.Run(ctx, 1, nodes("a", "b"), func(context.Context, string) (int, error) {
		cancel()
		return 1, nil
	})
	assert.Equal(t, schedule.Done, results[0].State)
	assert.Equal(t, schedule.Result[int]{Name: "b", State: schedule.Skipped, Because: "cancelled"}, results[1])
}

func TestACycleIsShownAndNeverHangs(t *testing.T) {
	list := []schedule.Node{
		{Name: "x"},
		{Name: "a", After: []string{"b"}},
		{Name: "b", After: []string{"c"}},
		{Name: "c", After: []string{"a"}},
	}
	assert.EqualError(t, schedule.Check(list), "circular dependency: a -> b -> c -> a")
	results := schedule.Run(t.Context(), 2, list, func(context.Context, string) (int, error) { return 0, nil })
	assert.Equal(t, schedule.Done, results[0].State)
	assert.Equal(t, "circular dependency", results[3].Because)
	assert.EqualError(t, schedule.Check(nodes("a", "a")), `"a" is listed twice`)
	assert.NoError(t, schedule.Check([]schedule.Node{{Name: "a", After: []string{"b", "elsewhere"}}, {Name: "b"}}))
}

func TestNoNodesHaveNoResults(t *testing.T) {
	assert.Empty(t, schedule.Run(t.Context(), 4, nil, func(context.Context, string) (int, error) { return 0, nil }))
}
