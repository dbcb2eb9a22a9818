package deploy

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// copies are copies of the built workspace at the commands, each for one synthesis at a
// time. One is made when it is needed: the first synthesis runs while the next is made.
type copies struct {
	fetch  func(context.Context) (dir string, err error)
	runner command.Runner

	mu   sync.Mutex
	free []string
	sent []string
	err  error // why none can be made
}

// atOnce is the number of syntheses to run at once: one for each processor that this
// program may use.
func atOnce(environments int) int { return min(runtime.GOMAXPROCS(0), environments) }

// take returns a copy that nobody else uses, until it is put back.
func (c *copies) take(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last := len(c.free) - 1; last >= 0 {
		dir := c.free[last]
		c.free = c.free[:last]
		return dir, nil
	}
	if c.err != nil {
		return "", c.err
	}
	var dir string
	if dir, c.err = c.fetch(ctx); c.err != nil {
		return "", c.err
	}
	if slices.Contains(c.sent, dir) { // a folder of the user, which is used without copying
		return dir, nil
	}
	c.sent = append(c.sent, dir)
	c.err = c.runner.Send(ctx, dir)
	return dir, c.err
}

func (c *copies) put(dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = append(c.free, dir)
}
