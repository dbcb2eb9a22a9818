package bucket

import (
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

func both(t *testing.T) map[string]Bucket {
	return map[string]Bucket{"s3": newCloud(t).store, "directory": OpenDirectory(filepath.Join(t.TempDir(), "artifacts"))}
}

func TestWhatIsCreatedIsNeverOverwritten(t *testing.T) {
	for name, b := range both(t) {
		t.Run(name, func(t *testing.T) {
			key := StepRecordKey("shop-1", "build", 1)
			require.NoError(t, b.Create(t.Context(), key, []byte("first")))
			require.ErrorIs(t, b.Create(t.Context(), key, []byte("second")), fs.ErrExist)
			require.NoError(t, b.Put(t.Context(), StepRecordKey("shop-2", "build", 1), []byte("1")), "the control: without the condition")
			require.NoError(t, b.Put(t.Context(), StepRecordKey("shop-2", "build", 1), []byte("2")))
			data, err := b.Get(t.Context(), key)
			require.NoError(t, err)
			assert.Equal(t, "first", string(data))
		})
	}
}

// TestNoUpdateIsLost counts up one document in several goroutines.
func TestNoUpdateIsLost(t *testing.T) {
	for name, b := range both(t) {
		t.Run(name, func(t *testing.T) {
			const writers = 4
			var group sync.WaitGroup
			failed := make([]error, writers)
			for i := range writers {
				group.Go(func() {
					failed[i] = b.Update(t.Context(), StacksKey("dev"), func(before []byte) ([]byte, error) {
						if before == nil {
							before = []byte("0")
						}
						n, err := strconv.Atoi(string(before))
						return []byte(strconv.Itoa(n + 1)), err
					})
				})
			}
			group.Wait()
			require.NoError(t, errors.Join(failed...))
			data, err := b.Get(t.Context(), StacksKey("dev"))
			require.NoError(t, err)
			assert.Equal(t, strconv.Itoa(writers), string(data))
		})
	}
}

func TestAnUpdateSeesWhatSomebodyElseWroteMeanwhile(t *testing.T) {
	c := newCloud(t)
	var seen []string
	require.NoError(t, c.store.Update(t.Context(), DeployedKey(), func(before []byte) ([]byte, error) {
		if seen = append(seen, string(before)); len(seen) < 3 {
			require.NoError(t, c.store.Put(t.Context(), DeployedKey(), []byte("of another run "+strconv.Itoa(len(seen)))))
		}
		return []byte("mine"), nil
	}))
	assert.Equal(t, []string{"", "of another run 1", "of another run 2"}, seen)
	data, err := c.store.Get(t.Context(), DeployedKey())
	require.NoError(t, err)
	assert.Equal(t, "mine", string(data))

	err = c.store.Update(t.Context(), DeployedKey(), func(before []byte) ([]byte, error) {
		return []byte("last"), c.store.Put(t.Context(), DeployedKey(), append(before, 'x'))
	})
	assert.Equal(t, errs.Temporary, errs.KindOf(err), "who is never the first gives up: %v", err)
}

func TestAnUpdateThatIsRefusedOrNeedlessWritesNothing(t *testing.T) {
	for name, b := range both(t) {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, b.Update(t.Context(), DeployedKey(), func([]byte) ([]byte, error) { return []byte("x"), fs.ErrInvalid }), fs.ErrInvalid)
			require.NoError(t, b.Update(t.Context(), DeployedKey(), func([]byte) ([]byte, error) { return nil, nil }))
			_, err := b.Get(t.Context(), DeployedKey())
			require.ErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

// TestConditionalWritesSurviveTheFaultsOfS3 are two writers at once (409), and a response
// that is lost after the effect: the SDK repeats the call, which then fails (412).
func TestConditionalWritesSurviveTheFaultsOfS3(t *testing.T) {
	for name, rule := range map[string]awssim.Rule{
		"two at once":     {Kind: awssim.Refuse, Status: http.StatusConflict, Code: "ConditionalRequestConflict", Message: "conflict", Times: 2},
		"a lost response": {Kind: awssim.Drop, AfterEffect: true, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			rule.Service, rule.Operation = "s3", "PutObject"
			c.Fail(rule)
			calls := 0
			require.NoError(t, c.store.Update(t.Context(), DeployedKey(), func([]byte) ([]byte, error) {
				calls++
				return []byte("mine"), nil
			}))
			data, err := c.store.Get(t.Context(), DeployedKey())
			require.NoError(t, err)
			assert.Equal(t, "mine", string(data))
			assert.LessOrEqual(t, calls, 2)
		})
	}
	c := newCloud(t)
	c.Fail(awssim.Rule{Service: "s3", Operation: "PutObject", Kind: awssim.Refuse, Status: http.StatusConflict, Code: "ConditionalRequestConflict", Message: "conflict"})
	err := c.store.Create(t.Context(), DeployedKey(), nil)
	assert.ErrorContains(t, err, "ConditionalRequestConflict", "not for ever")
}

func TestARecordBelongsToTheStepAndTheAttemptOfItsKey(t *testing.T) {
	for attempt, key := range map[int]string{1: "metadata/workflows/shop-1/deploy-dev-2.json", 2: "metadata/workflows/shop-1/deploy-dev-2.2.json", 30: "metadata/workflows/shop-1/deploy-dev-2.30.json"} {
		assert.Equal(t, key, StepRecordKey("shop-1", "deploy-dev-2", attempt))
		step, found, ok := StepOfRecord(key)
		assert.True(t, ok, key)
		assert.Equal(t, "deploy-dev-2", step)
		assert.Equal(t, attempt, found)
	}
	for _, key := range []string{
		"metadata/workflows/shop-1.json", "metadata/workflows/shop-1/build.0.json", "metadata/workflows/shop-1/build.x.json", "metadata/workflows/shop-1/build.2.3.json",
		"metadata/workflows/shop-1/build.99999999999.json", "metadata/workflows/shop-1/a/build.json", "metadata/stacks/dev.json", "metadata/workflows/shop-1/.json",
	} {
		_, _, ok := StepOfRecord(key)
		assert.False(t, ok, key)
	}
}

// TestEveryDocumentThatOutlivesItsCommitHasACondition compares the layout with the
// policy of the bucket, which requires it for all of metadata/.
func TestEveryDocumentThatOutlivesItsCommitHasACondition(t *testing.T) {
	for i, key := range keys {
		assert.Equal(t, layout[i].kept == stays, covers(WrittenConditionally(), key.made), key.made)
		assert.False(t, layout[i].kept == stays && layout[i].mode == Again, key.made)
		once := false
		for _, pattern := range WrittenOnce() {
			once = once || covers(pattern, key.made)
		}
		assert.Equal(t, layout[i].mode == Once, once, key.made)
	}
}
