package cloudformation

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestAWalkStartsNothingBeforeItsDependencies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		names := []string{"A", "B", "C", "D", "E", "F", "G", "H"}
		needs := map[string][]string{}
		broken := map[string]bool{}
		for i, name := range names {
			needs[name] = nil
			for _, earlier := range names[:i] {
				if rapid.IntRange(0, 2).Draw(rt, earlier+name) == 0 {
					needs[name] = append(needs[name], earlier)
				}
			}
			broken[name] = rapid.IntRange(0, 5).Draw(rt, "broken "+name) == 0
		}
		var mu sync.Mutex
		var done, started []string
		failed := walk(t.Context(), needs, true, func(_ context.Context, name string) error {
			mu.Lock()
			defer mu.Unlock()
			started = append(started, name)
			for _, need := range needs[name] {
				assert.Contains(rt, done, need)
			}
			if broken[name] {
				return errors.New("broken")
			}
			done = append(done, name)
			return nil
		})
		for _, name := range names {
			reachable := !slices.ContainsFunc(needs[name], func(need string) bool { return !slices.Contains(done, need) })
			assert.Equal(rt, reachable, slices.Contains(started, name), "independent paths go on, others stop")
			assert.Equal(rt, reachable && broken[name], slices.Contains(failed, name))
		}
	})
}

func TestAStoppedWalkCancelsRunningTasks(t *testing.T) {
	needs := map[string][]string{"bad": nil, "slow": nil, "later": {"slow"}}
	failed := walk(t.Context(), needs, false, func(ctx context.Context, name string) error {
		if name == "bad" {
			return errors.New("bad")
		}
		<-ctx.Done()
		assert.ErrorIs(t, context.Cause(ctx), errCancelled)
		return context.Cause(ctx)
	})
	assert.Equal(t, []string{"bad", "slow"}, failed)
}

func TestResourcesOfDifferentVersionsAreDeletedEvenInACircle(t *testing.T) {
	a := &resource{LogicalID: "A", PhysicalID: "1", Needs: []string{"B"}}
	b := &resource{LogicalID: "B", PhysicalID: "2", Needs: []string{"A"}}
	c := &resource{LogicalID: "C", PhysicalID: "3", Needs: []string{"A"}}
	order := deletionOrder(map[string]*resource{a.key(): a, b.key(): b, c.key(): c})
	var deleted []string
	var mu sync.Mutex
	failed := walk(t.Context(), order, true, func(_ context.Context, key string) error {
		mu.Lock()
		defer mu.Unlock()
		deleted = append(deleted, key)
		return nil
	})
	assert.Empty(t, failed)
	assert.Len(t, deleted, 3)
	assert.Less(t, slices.Index(deleted, c.key()), slices.Index(deleted, a.key()))
}

func TestReferencesToSecretsAreRead(t *testing.T) {
	for reference, want := range map[string][2]string{
		"db":                                  {"db", ""},
		"db:SecretString:password":            {"db", "password"},
		"db:SecretString:password:AWSCURRENT": {"db", "password"},
		"db:SecretString":                     {"db", ""},
		"arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf:SecretString:user::": {
			"arn:aws:secretsmanager:eu-west-1:1:secret:db-AbCdEf", "user",
		},
	} {
		id, key := secretReference(reference)
		assert.Equal(t, want, [2]string{id, key}, reference)
	}
}
