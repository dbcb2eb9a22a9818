package cloudformation

import "time"

// Options tune an engine. The zero value is a fast cloud without faults.
type Options struct {
	// ResourceTime is how long a resource of a type takes to be created,
	// updated or deleted. Nil means 20 ms for everything.
	ResourceTime func(typ, logicalID string) time.Duration
	// Tick is the time of the engine's own steps: computing a change set,
	// starting an operation, cleaning up. Zero means 5 ms.
	Tick time.Duration
	// PageSize is the number of items in an answer before NextToken. Zero
	// means 100.
	PageSize int
	// Seed makes physical ids and event ids repeatable when it is not zero.
	Seed uint64
}

const (
	defaultResourceTime = 20 * time.Millisecond
	defaultTick         = 5 * time.Millisecond
	defaultPageSize     = 100
)

func (o Options) withDefaults() Options {
	if o.ResourceTime == nil {
		o.ResourceTime = func(string, string) time.Duration { return defaultResourceTime }
	}
	if o.Tick == 0 {
		o.Tick = defaultTick
	}
	if o.PageSize == 0 {
		o.PageSize = defaultPageSize
	}
	return o
}
