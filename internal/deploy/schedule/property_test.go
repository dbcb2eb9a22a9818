package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// watcher sees every start and end of work, in the order in which they happen.
type watcher struct {
	mu          sync.Mutex
	running     int
	most        int
	done        map[string]bool
	earlyStarts []string
}

func (w *watcher) begin(node schedule.Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running++
	w.most = max(w.most, w.running)
	for _, before := range node.After {
		if !w.done[before] {
			w.earlyStarts = append(w.earlyStarts, node.Name)
		}
	}
}

func (w *watcher) end(name string, failed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running--
	w.done[name] = !failed
}

// drawGraph makes a random graph without circles: a node depends on earlier numbers only.
func drawGraph(t *rapid.T) []schedule.Node {
	list := make([]schedule.Node, rapid.IntRange(0, 20).Draw(t, "nodes"))
	for i := range list {
		list[i].Name = fmt.Sprint(i)
		for j := range i {
			if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
				list[i].After = append(list[i].After, fmt.Sprint(j))
			}
		}
	}
	return rapid.Permutation(list).Draw(t, "listed")
}

func TestEveryGraphKeepsOrderAndLimitAndLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, limit := drawGraph(t), rapid.IntRange(1, 6).Draw(t, "limit")
		fails := map[string]bool{}
		byName := map[string]schedule.Node{}
		for _, node := range list {
			fails[node.Name] = rapid.IntRange(0, 9).Draw(t, "fails") == 0
			byName[node.Name] = node
		}
		w := &watcher{done: map[string]bool{}}
		results := schedule.Run(context.Background(), limit, list, func(_ context.Context, name string) (string, error) {
			w.begin(byName[name])
			defer w.end(name, fails[name])
			if fails[name] {
				return "", errors.New(name)
			}
			return name, nil
		})
		assert.NoError(t, schedule.Check(list))
		assert.LessOrEqual(t, w.most, limit, "never more at once than the limit")
		assert.Empty(t, w.earlyStarts, "nothing starts before what it depends on")
		assertComplete(t, list, results, fails)
	})
}

func assertComplete(t *rapid.T, list []schedule.Node, results []schedule.Result[string], fails map[string]bool) {
	firstFailure := false
	for _, r := range results {
		firstFailure = firstFailure || r.State == schedule.Failed
	}
	assert.Len(t, results, len(list))
	for i, r := range results {
		assert.Equal(t, list[i].Name, r.Name, "results keep the listed order")
		switch r.State {
		case schedule.Done:
			assert.False(t, fails[r.Name])
			assert.Equal(t, r.Name, r.Value)
		case schedule.Failed:
			assert.True(t, fails[r.Name])
			assert.EqualError(t, r.Err, r.Name)
		case schedule.Skipped:
			assert.True(t, firstFailure, "only a failure skips work")
			assert.True(t, fails[r.Because], "the one that failed is named")
		}
	}
}
