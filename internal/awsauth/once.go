package awsauth

import (
	"context"
	"sync"
)

// once gets each value once, by key. Errors are not kept.
type once[T any] struct {
	mu      sync.Mutex
	flights map[string]*flight[T]
}

// flight is a value, or the call in progress that gets it.
type flight[T any] struct {
	landed    chan struct{}
	isDown    bool // landed is closed, or about to be: nobody needs to wait for it
	value     T
	err       error
	abandoned bool // its caller was cancelled or timed out
}

// get returns the value of a key. Concurrent callers wait for the one that gets it, each
// no longer than its own context; if that one is cancelled, another one gets the value.
func (o *once[T]) get(ctx context.Context, key string, work func() (T, error)) (T, error) {
	o.mu.Lock()
	f, known := o.flights[key]
	if !known {
		if o.flights == nil {
			o.flights = map[string]*flight[T]{}
		}
		f = &flight[T]{landed: make(chan struct{})}
		o.flights[key] = f
	}
	isDown := f.isDown
	o.mu.Unlock()
	if !known {
		value, err := work()
		o.mu.Lock()
		if f.value, f.err, f.isDown = value, err, true; err != nil {
			f.abandoned = ctx.Err() != nil
			delete(o.flights, key)
		}
		o.mu.Unlock()
		close(f.landed)
		return value, err
	}
	if isDown {
		return f.value, f.err
	}
	select {
	case <-f.landed:
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	if f.abandoned && ctx.Err() == nil {
		return o.get(ctx, key, work)
	}
	return f.value, f.err
}
