package awssim_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

func TestAdvancingTheClockEndsSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := awssim.NewClock()
		started, woken := time.Now(), make(chan time.Duration, 1)
		go func() {
			_ = clock.Sleep(ctx, time.Hour)
			woken <- time.Since(started)
		}()
		synctest.Wait()
		clock.Advance(59 * time.Minute)
		synctest.Wait()
		require.Empty(t, woken)
		require.Equal(t, time.Minute, <-woken, "the last minute passes by itself")
		require.Equal(t, started.Add(time.Hour), clock.Now())
	})
}

func TestASleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.ErrorIs(t, awssim.NewClock().Sleep(limited, time.Hour), context.DeadlineExceeded)
	})
}
