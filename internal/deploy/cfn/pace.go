package cfn

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"
)

// Budget limits the rate at which all deployments of one account and region
// together poll CloudFormation.
type Budget struct{ limiter *rate.Limiter }

const (
	readsPerSecond = 8
	readsAtOnce    = 24
)

// NewBudget returns a budget for one account and region.
func NewBudget() *Budget { return &Budget{rate.NewLimiter(readsPerSecond, readsAtOnce)} }

// take waits until one more read is within the budget.
func (b *Budget) take(ctx context.Context) error {
	if b == nil {
		return ctx.Err()
	}
	return b.limiter.Wait(ctx)
}

// pace is the polling interval of a stack. It starts short, as small changes take
// seconds, and grows while nothing happens. A deployment makes no more calls than
// the CDK CLI, which polls the stack every 5 s and its events every 2 s; we poll
// only one of the two.
type pace struct {
	polls int
	news  time.Time // of the last event
}

const (
	firstDelay = 400 * time.Millisecond
	growth     = 1.5
	steady     = 1550 * time.Millisecond
	slow       = 4 * time.Second // after slowAfter without news
	slowAfter  = 5 * time.Minute
)

func newPace() *pace { return &pace{news: time.Now()} }

// happened records a new event.
func (p *pace) happened() { p.news = time.Now() }

// delay is the time to the next poll, without jitter.
func (p *pace) delay() time.Duration {
	most := steady
	if time.Since(p.news) > slowAfter {
		most = slow
	}
	wait := float64(firstDelay)
	for range p.polls {
		if wait *= growth; wait >= float64(most) {
			return most
		}
	}
	return time.Duration(wait)
}

// wait waits for the next poll, with jitter so that many deployments do not poll at the same moment.
func (p *pace) wait(ctx context.Context, budget *Budget) error {
	jitter := 0.85 + 0.3*rand.Float64()
	timer := time.NewTimer(time.Duration(float64(p.delay()) * jitter))
	defer timer.Stop()
	p.polls++
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return budget.take(ctx)
	}
}
