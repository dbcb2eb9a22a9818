package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
)

// maxDuels bounds how often the pairs are run in which their side takes long.
const maxDuels = 2

// deployRun makes a contest, and says how often it is run at most.
type deployRun func(ctx context.Context, w *world, o options) (c contest, runs int, err error)

// benchDeploy is the bench of one deployment: its time, against the limit.
func benchDeploy(name string, limit float64, prepare deployRun) func(context.Context, *slog.Logger, options, string) ([]result, error) {
	return func(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
		w, err := newWorld(ctx, log, o, scratch)
		if err != nil {
			return nil, err
		}
		c, runs, err := prepare(ctx, w, o)
		if err != nil {
			return nil, err
		}
		c.name = name
		log.Info("measuring", "bench", name, "runs", runs)
		ours, theirs, err := c.duel(ctx, runs)
		if err != nil {
			return nil, err
		}
		return c.results(ours, theirs, limit), nil
	}
}

// results compares the time, and the memory where that was looked at.
func (c contest) results(ours, theirs []trial, limit float64) []result {
	took := compare(c.name, "s", medianOf(ours, seconds), medianOf(theirs, seconds))
	took.limit = limit
	took.LowerBound = c.app.seconds + medianOf(ours, func(t trial) float64 { return lowerBound(t.spans, c.app.assembly.Stacks, c.concurrency) })
	if !c.memory {
		return []result{took}
	}
	most := compare("memory", "MB", medianOf(ours, memory), medianOf(theirs, memory))
	most.limit = 0.2
	return []result{took, most}
}

// everyResource lets all resources take the same time.
func everyResource(takes time.Duration) cloudformation.Options {
	return cloudformation.Options{ResourceTime: func(string, string) time.Duration { return takes }}
}

func (w *world) shop(ctx context.Context, o options) (*app, error) {
	return w.app(ctx, o.app, "dist", "artifacts")
}

// noop deploys the shop again, which the CDK CLI has deployed before.
func noop(ctx context.Context, w *world, o options) (contest, int, error) {
	shop, err := w.shop(ctx, o)
	if err != nil {
		return contest{}, 0, err
	}
	w.log.Info("deploying the app that will not change")
	c := contest{world: w, app: shop, start: filepath.Join(w.scratch, "deployed"), concurrency: 1}
	if err := copyTo(c.start, w.cloud); err != nil {
		return contest{}, 0, err
	}
	return c, o.runs, w.inCloud(c.start, cloudformation.Options{}, func(sim *awssim.Server) error {
		_, err := watch(ctx, w.cdk(sim, shop.dir, "deploy", "--all", "--require-approval", "never", "--concurrency", "3"), false)
		return err
	})
}

// first deploys the shop into an account without stacks.
func first(ctx context.Context, w *world, o options) (contest, int, error) {
	shop, err := w.shop(ctx, o)
	return contest{world: w, app: shop, start: w.cloud, stacks: everyResource(time.Second), concurrency: 1}, min(o.runs, maxDuels), err
}

// forty deploys forty stacks in diamonds.
func forty(ctx context.Context, w *world, o options) (contest, int, error) {
	diamonds, err := w.app(ctx, "internal/tests/conformance/apps/diamonds", "app.js")
	return contest{
		world: w, app: diamonds, start: w.cloud, stacks: everyResource(200 * time.Millisecond), concurrency: 8, memory: true,
	}, min(o.runs, maxDuels), err
}

// twoHundred deploys a stack with two hundred file assets.
func twoHundred(ctx context.Context, w *world, o options) (contest, int, error) {
	assets, err := w.app(ctx, "internal/tests/conformance/apps/assets", "app.js")
	return contest{world: w, app: assets, start: w.cloud, concurrency: 1}, min(o.runs, maxDuels), err
}

var duration = regexp.MustCompile(`^Takes(\d+)Ms`)

// asNamed lets a resource take as long as its logical id says.
func asNamed(_, logicalID string) time.Duration {
	if found := duration.FindStringSubmatch(logicalID); found != nil {
		milliseconds, _ := strconv.Atoi(found[1])
		return time.Duration(milliseconds) * time.Millisecond
	}
	return 0
}

// mostLag is the promise, in seconds.
const mostLag = 1

// benchLag compares how soon the end of a stack is noticed, and by how many calls.
func benchLag(ctx context.Context, log *slog.Logger, o options, scratch string) ([]result, error) {
	w, err := newWorld(ctx, log, o, scratch)
	if err != nil {
		return nil, err
	}
	waiting, err := w.app(ctx, "internal/tests/bench/apps/waiting", "app.js")
	if err != nil {
		return nil, err
	}
	c := contest{world: w, name: "lag", app: waiting, start: w.cloud, stacks: cloudformation.Options{ResourceTime: asNamed}, concurrency: 8}
	log.Info("measuring", "bench", c.name, "runs", 1)
	ours, theirs, err := c.duel(ctx, 1)
	if err != nil {
		return nil, err
	}
	our, err := lag(ours[0], ourEnd)
	if err != nil {
		return nil, fmt.Errorf("our side: %w", err)
	}
	their, err := lag(theirs[0], theirEnd)
	if err != nil {
		return nil, fmt.Errorf("their side: %w", err)
	}
	late, calls := compare("lag", "s", our, their), compare("lag calls", "/min", callRate(ours[0]), callRate(theirs[0]))
	late.most, calls.limit = mostLag, 1
	return []result{late, calls}, nil
}
