package cfn

import (
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/time/rate"
)

// Budget bounds how often all deployments of one account and region together
// ask CloudFormation for news.
type Budget struct{ limiter *rate.Limiter }

const (
	readsPerSecond = 8
	readsAtOnce    = 24
)

// NewBudget makes a budget for one account and region.
func NewBudget() *Budget { return &Budget{rate.NewLimiter(readsPerSecond, readsAtOnce)} }

// take waits until one more read is within the budget.
func (b *Budget) take(ctx context.Context) error {
	if b == nil {
		return ctx.Err()
	}
	return b.limiter.Wait(ctx)
}

// pace is how long to wait between two looks at a stack. It begins quickly, as
// small changes take seconds, and slows down while nothing happens. All in all a
// deployment makes no more calls than the CDK CLI, which asks for the stack
// every 5 s and for its events every 2 s; ours asks for one of the two only.
type pace struct {
	looks int
	news  time.Time // when something last happened
}

const (
	firstLook = 400 * time.Millisecond
	growth    = 1.5
	steady    = 1550 * time.Millisecond
	slow      = 4 * time.Second // after slowAfter without news
	slowAfter = 5 * time.Minute
)

func newPace() *pace { return &pace{news: time.Now()} }

// happened notes that there was news.
func (p *pace) happened() { p.news = time.Now() }

// delay is the time to the next look, without jitter.
func (p *pace) delay() time.Duration {
	most := steady
	if time.Since(p.news) > slowAfter {
		most = slow
	}
	wait := float64(firstLook)
	for range p.looks {
		if wait *= growth; wait >= float64(most) {
			return most
		}
	}
	return time.Duration(wait)
}

// wait waits for the next look, with jitter so that many deployments do not look at the same moment.
func (p *pace) wait(ctx context.Context, budget *Budget) error {
	jitter := 0.85 + 0.3*rand.Float64()
	timer := time.NewTimer(time.Duration(float64(p.delay()) * jitter))
	defer timer.Stop()
	p.looks++
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return budget.take(ctx)
	}
}
