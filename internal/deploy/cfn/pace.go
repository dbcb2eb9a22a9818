package cfn

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// Budget is the rate at which all deployments of one account and region together poll
// CloudFormation, and call it again after it refused calls. It follows the answers: calls
// that are throttled lower it, at most once a second, and it grows while none are. AWS does
// not publish the limits of CloudFormation, and other tools of the account share them.
type Budget struct {
	limiter *rate.Limiter
	mu      sync.Mutex
	changed time.Time // when the rate was last lowered or raised
	refused time.Time // when a call was last throttled
}

const (
	startRate   = 8   // a second
	leastRate   = 0.5 // a second
	mostRate    = 16  // a second
	moreRate    = 0.5 // after each second without a throttled call
	keptRate    = 0.8 // of the rate, after one
	atOnce      = 24  // polls after a pause
	calmAfter   = 30 * time.Second
	changeEvery = time.Second
)

// NewBudget returns a budget for one account and region.
func NewBudget() *Budget { return &Budget{limiter: rate.NewLimiter(startRate, atOnce)} }

// take waits until one more call is within the budget.
func (b *Budget) take(ctx context.Context) error {
	if b == nil {
		return ctx.Err()
	}
	b.grow()
	return b.limiter.Wait(ctx)
}

// grow raises the rate while nothing is throttled.
func (b *Budget) grow() {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	switch {
	case b.changed.IsZero():
		b.changed = now
	case now.Sub(b.changed) > changeEvery:
		b.changed = now
		b.limiter.SetLimit(min(mostRate, b.limiter.Limit()+moreRate))
	}
	if b.limiter.Burst() < atOnce && now.Sub(b.refused) > calmAfter {
		b.limiter.SetBurst(atOnce)
	}
}

// lower lowers the rate after a throttled call.
func (b *Budget) lower() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = time.Now()
	if b.refused.Sub(b.changed) > changeEvery || b.limiter.Burst() > 1 {
		b.changed = b.refused
		b.limiter.SetLimit(max(leastRate, b.limiter.Limit()*keptRate))
		b.limiter.SetBurst(1)
	}
}

var throttling = retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}

// attempts lets a call that was refused wait for the budget before each further attempt.
// The first one does not wait: only a poll can come later without delaying a stack.
func (b *Budget) attempts(o *cloudformation.Options) {
	first := true
	attempt := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
		if !first {
			if err := b.take(ctx); err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, err
			}
		}
		first = false
		out, about, err := next.HandleFinalize(ctx, in)
		if throttling.IsErrorThrottle(err) == aws.TrueTernary {
			b.lower()
		}
		return out, about, err
	}
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Budget", attempt), (*retry.Attempt)(nil).ID(), middleware.After)
	})
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
