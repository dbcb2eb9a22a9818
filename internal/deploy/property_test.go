package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/deploy/assembly"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// fleet is an environment of random stacks, of which some fail. Some of its
// dependencies are the configuration's and some are the app's.
type fleet struct {
	env     Request
	targets []target
	needs   map[string][]string // by name
	fails   map[string]bool
}

func drawFleet(t *rapid.T) fleet {
	f := fleet{env: Request{Name: "dev"}, needs: map[string][]string{}, fails: map[string]bool{}}
	n := rapid.IntRange(1, 15).Draw(t, "stacks")
	for _, i := range rapid.Permutation(slices.Collect(numbers(n))).Draw(t, "listed") {
		name := fmt.Sprintf("Stack%d", i)
		configured, found := config.Stack{Name: name}, assembly.Stack{ID: "id-" + name, Name: "dev-" + name}
		for j := range i {
			before := fmt.Sprintf("Stack%d", j)
			switch rapid.IntRange(0, 7).Draw(t, "edge") {
			case 0:
				configured.DependsOn = append(configured.DependsOn, before)
			case 1:
				found.After = append(found.After, "id-"+before)
			default:
				continue
			}
			f.needs[name] = append(f.needs[name], before)
		}
		f.fails[name] = rapid.IntRange(0, 7).Draw(t, "fails") == 0
		f.env.Stacks = append(f.env.Stacks, configured)
		f.targets = append(f.targets, target{name: name, entry: name, needs: configured.DependsOn, app: "app", stack: found, region: "eu-west-1"})
	}
	return f
}

func numbers(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// seen is what an observer of the deployments sees.
type seen struct {
	mu            sync.Mutex
	running, most int
	began, ended  []string
	early         []string
}

// deploy pretends to deploy a stack.
func (s *seen) deploy(f fleet, name string) (cfn.Result, error) {
	s.mu.Lock()
	s.running++
	s.most = max(s.most, s.running)
	s.began = append(s.began, name)
	for _, before := range f.needs[name] {
		if f.fails[before] || !slices.Contains(s.ended, before) {
			s.early = append(s.early, name)
		}
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
		s.ended = append(s.ended, name)
	}()
	if f.fails[name] {
		return cfn.Result{}, fmt.Errorf("stack %q failed", name)
	}
	return cfn.Result{Action: cfn.Created, Outputs: []cfn.Output{{Key: "Name", Value: name}}}, nil
}

// TestEveryFleetKeepsItsOrderAndEveryStackIsReported goes from the
// configuration and the app to the summary, for random stacks and failures.
func TestEveryFleetKeepsItsOrderAndEveryStackIsReported(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, limit, s := drawFleet(t), rapid.IntRange(1, 5).Draw(t, "limit"), &seen{}
		nodes, err := graph(f.env, f.targets)
		require.NoError(t, err)
		byName := map[string]target{}
		for _, one := range f.targets {
			byName[one.name] = one
		}
		results, err := conclude(schedule.Run(context.Background(), limit, nodes, func(_ context.Context, name string) (cfn.Result, error) {
			return s.deploy(f, name)
		}), byName)
		assert.Empty(t, s.early, "nothing begins before what it needs is deployed")
		assert.LessOrEqual(t, s.most, limit)
		assert.ElementsMatch(t, s.began, s.ended, "what has begun is finished")
		f.assertReported(t, s, results, err)
	})
}

// assertReported holds that the results, the summary, the outputs and the
// error tell of every stack what became of it.
func (f fleet) assertReported(t *rapid.T, s *seen, results Results, err error) {
	summary, outputs := results.Summary("dev", strings.ToUpper), results.Outputs()
	require.Len(t, summary.Stacks, len(f.targets), "no stack is lost")
	failed := false
	for i, summarized := range summary.Stacks {
		name, began := f.targets[i].name, slices.Contains(s.began, f.targets[i].name)
		assert.Equal(t, name, summarized.Stack, "in the order of the configuration")
		assert.Equal(t, "dev-"+name, summarized.Name)
		switch {
		case !began:
			assert.Equal(t, "skipped", summarized.Action)
			assert.True(t, f.fails[summarized.Because], "the one that failed is named")
			assert.ErrorContains(t, err, name)
		case f.fails[name]:
			failed = true
			assert.Equal(t, "failed", summarized.Action)
			assert.ErrorContains(t, err, fmt.Sprintf("stack %q failed", name))
		default:
			assert.Equal(t, "created", summarized.Action)
			assert.Equal(t, name, outputs[name]["Name"].Value, "its outputs are kept")
		}
	}
	assert.Equal(t, failed, err != nil)
	if !failed {
		assert.Len(t, s.ended, len(f.targets), "everything is deployed")
	}
	assert.False(t, errors.Is(err, context.Canceled))
}
