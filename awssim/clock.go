package awssim

import (
	"context"
	"sync"
	"time"
)

// Clock is the machine's time plus what it was advanced by. It is safe
// for concurrent use.
type Clock struct {
	mu      sync.Mutex
	shift   time.Duration
	changed chan struct{} // closed and renewed by Advance
}

// NewClock makes a clock with the machine's time.
func NewClock() *Clock { return &Clock{changed: make(chan struct{})} }

// Now returns the simulated time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.shift)
}

// Advance moves the clock forward and wakes sleeps that end before the new time.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shift += by
	close(c.changed)
	c.changed = make(chan struct{})
}

// Sleep waits for d of simulated time, or returns the error of ctx.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	until := c.Now().Add(d)
	for {
		left, changed := c.left(until)
		if left <= 0 {
			return ctx.Err()
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		case <-changed:
			timer.Stop()
		}
	}
}

func (c *Clock) left(until time.Time) (time.Duration, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return until.Sub(time.Now().Add(c.shift)), c.changed
}
