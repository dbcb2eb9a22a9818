package deploy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// numbered makes folders 1, 2 and so on, each when one may be made, but for one.
type numbered struct {
	made    int
	may     chan struct{}
	refuses int
}

func (n *numbered) copy(ctx context.Context, _ command.Files) (string, error) {
	n.made++
	dir := strconv.Itoa(n.made)
	select {
	case <-n.may:
		if n.made == n.refuses {
			return "", errors.New("no space left")
		}
		return dir, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func TestACopyThatIsPutBackIsUsedWhileAnotherIsMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &numbered{may: make(chan struct{}, 1)}
		c := newCopies(n.copy, nil, slog.New(slog.DiscardHandler), 4)
		n.may <- struct{}{}
		first, err := c.take(t.Context())
		require.NoError(t, err)

		got := make(chan string, 2)
		for range 2 {
			go func() {
				dir, err := c.take(t.Context())
				assert.NoError(t, err)
				got <- dir
			}()
			synctest.Wait()
		}
		c.put(first)
		assert.Equal(t, first, <-got, "nobody waits for the copy that is being made")
		assert.Equal(t, 2, n.made, "one is made at a time")
		n.may <- struct{}{}
		assert.Equal(t, "2", <-got)
	})
}

func TestACopyThatCannotBeMadeLeavesTheOthersInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &numbered{may: make(chan struct{}, 9), refuses: 2}
		for range 9 {
			n.may <- struct{}{}
		}
		var log bytes.Buffer
		c := newCopies(n.copy, nil, slog.New(slog.NewTextHandler(&log, nil)), 4)
		first, err := c.take(t.Context())
		require.NoError(t, err)
		got := make(chan string, 2)
		for range 2 {
			go func() {
				dir, err := c.take(t.Context())
				assert.NoError(t, err)
				got <- dir
			}()
		}
		synctest.Wait()
		assert.Empty(t, got)
		for range 2 {
			c.put(first)
			assert.Equal(t, first, <-got)
		}
		assert.Equal(t, 2, n.made, "no more is tried")
		assert.Contains(t, log.String(), `error="no space left"`)
	})
}

func TestWithoutTheFirstCopyNoneIsUsed(t *testing.T) {
	t.Parallel()
	n := &numbered{may: make(chan struct{}, 1), refuses: 1}
	n.may <- struct{}{}
	c := newCopies(n.copy, nil, slog.New(slog.DiscardHandler), 3)
	for range 3 {
		_, err := c.take(t.Context())
		require.ErrorContains(t, err, "no space left")
	}
	assert.Equal(t, 1, n.made)
}

func TestWhoeverWaitsForACopyStopsWithTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &numbered{may: make(chan struct{}, 1)}
		c := newCopies(n.copy, nil, slog.New(slog.DiscardHandler), 3)
		n.may <- struct{}{}
		_, err := c.take(t.Context())
		require.NoError(t, err)
		ctx, stop := context.WithCancelCause(t.Context())
		stopped := errors.New("stopped")
		failed := make(chan error, 2)
		for range 2 { // one makes a copy, and one waits
			go func() {
				_, err := c.take(ctx)
				failed <- err
			}()
		}
		synctest.Wait()
		stop(stopped)
		require.ErrorIs(t, <-failed, stopped)
		require.ErrorIs(t, <-failed, stopped)
	})
}
