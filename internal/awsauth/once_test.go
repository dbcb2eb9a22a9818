package awsauth

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEachKeyIsGotOnceAndWaitsForNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var kept once[int]
		calls, done := 0, make(chan int, 2)
		slow := func() (int, error) {
			calls++
			time.Sleep(time.Hour)
			return 7, nil
		}
		for range 2 {
			go func() {
				value, _ := kept.get(t.Context(), "slow", slow)
				done <- value
			}()
		}
		synctest.Wait()
		began := time.Now()
		value, err := kept.get(t.Context(), "other", func() (int, error) { return 1, nil })
		assert.NoError(t, err)
		assert.Equal(t, 1, value)
		assert.Zero(t, time.Since(began), "no key waits for another")
		assert.Equal(t, 14, <-done+<-done)
		assert.Equal(t, 1, calls)
	})
}

func TestACancelledCallerDoesNotFailTheOthers(t *testing.T) {
	for name, until := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"out of time": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
		"cancelled": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, end := context.WithCancel(ctx)
			time.AfterFunc(time.Second, end)
			return ctx, end
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var kept once[int]
			short, end := until(t.Context())
			defer end()
			go func() {
				_, _ = kept.get(short, "key", func() (int, error) {
					<-short.Done()
					return 0, short.Err()
				})
			}()
			synctest.Wait()
			value, err := kept.get(t.Context(), "key", func() (int, error) { return 7, nil })
			assert.NoError(t, err, name)
			assert.Equal(t, 7, value, name)
		})
	}
}

func TestAnErrorIsNotKept(t *testing.T) {
	var kept once[int]
	_, err := kept.get(t.Context(), "key", func() (int, error) { return 0, errors.New("no") })
	assert.Error(t, err)
	value, err := kept.get(t.Context(), "key", func() (int, error) { return 7, nil })
	assert.NoError(t, err)
	assert.Equal(t, 7, value)
}
