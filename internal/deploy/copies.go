package deploy

import (
	"context"
	"log/slog"
	"runtime"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// copies are copies of the built workspace at the commands, each for one synthesis at a
// time. One is made when it is needed: the first synthesis runs while the next is made.
type copies struct {
	copy Copy
	to   command.Files
	log  *slog.Logger

	free   chan string   // copies that nobody uses
	making chan struct{} // holds who makes one; only he uses the fields below
	made   int
	err    error // why not even the first one can be made
}

// newCopies returns what makes copies for so many syntheses, some of them at once.
func newCopies(workspace Copy, to command.Files, log *slog.Logger, syntheses int) *copies {
	return &copies{copy: workspace, to: to, log: log, free: make(chan string, syntheses), making: make(chan struct{}, 1)}
}

// atOnce is the number of syntheses to run at once: one for each processor that this
// program may use.
func atOnce(environments int) int { return min(runtime.GOMAXPROCS(0), environments) }

// take returns a copy that nobody else uses, until it is put back: a free one, or a new one
// unless another is being made. If no more can be made, it waits for one of those that are.
func (c *copies) take(ctx context.Context) (string, error) {
	select {
	case dir := <-c.free:
		return dir, nil
	default:
	}
	select {
	case dir := <-c.free:
		return dir, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case c.making <- struct{}{}:
	}
	dir, err := c.add(ctx)
	if err == nil || c.made == 0 || ctx.Err() != nil {
		<-c.making
		return dir, err
	}
	c.log.Warn("no further copy of the workspace can be made, so that fewer environments are checked at once", "copies", c.made, "error", err)
	select { // nobody makes one any more
	case dir := <-c.free:
		return dir, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (c *copies) put(dir string) { c.free <- dir }

// add makes a copy.
func (c *copies) add(ctx context.Context) (string, error) {
	if c.err != nil {
		return "", c.err
	}
	dir, err := c.copy(ctx, c.to)
	if err != nil {
		if c.made == 0 {
			c.err = err
		}
		return "", err
	}
	c.made++
	return dir, nil
}
