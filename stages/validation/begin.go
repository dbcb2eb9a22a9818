package validation

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Begins shows at GitHub that a run of a commit has begun, as [github.Repository] does.
type Begins interface {
	Begin(ctx context.Context, commit, pipeline, page string, environments []string) error
}

// Limits of what the statuses cost a run.
const (
	// longestBeginning is how long GitHub may take beside the checks.
	longestBeginning = 8 * time.Second
	// longestWait is how long the run waits for GitHub when the checks have ended.
	longestWait = time.Second
)

// beginning sets the statuses of a commit to pending, beside the checks.
type beginning struct {
	names  chan []string // of the environments; closed when they are known or will not be
	closed sync.Once
	done   chan struct{}
	cancel context.CancelFunc
	err    error // set when done is closed
}

// begin begins to set the statuses, if there are any to set: that of the run at once, those of
// environments when they are known.
func (d Deps) begin(ctx context.Context, frame stage.Frame, in Input) *beginning {
	b := &beginning{names: make(chan []string, 1), done: make(chan struct{}), cancel: func() {}}
	if in.Pending == "" || in.Silent || frame.Workflow == "" || in.Repository == "" {
		close(b.done)
		return b
	}
	ctx, b.cancel = context.WithTimeout(ctx, longestBeginning)
	go func() {
		defer close(b.done)
		b.err = d.show(ctx, frame, in, b.names)
	}()
	return b
}

func (d Deps) show(ctx context.Context, frame stage.Frame, in Input, names <-chan []string) error {
	repository, err := d.Repository(ctx, frame, in)
	if err != nil {
		return err
	}
	page := strings.ReplaceAll(in.RunURL, "{run}", frame.Workflow)
	if err := repository.Begin(ctx, in.Commit, in.Pending, page, nil); err != nil || in.Entrypoint == plan.CheckEntry {
		return err
	}
	select {
	case environments := <-names:
		if len(environments) == 0 {
			return nil
		}
		return repository.Begin(ctx, in.Commit, in.Pending, page, environments)
	case <-ctx.Done():
		return nil
	}
}

// environments says which environments the run is about to deploy.
func (b *beginning) environments(names []string) {
	b.closed.Do(func() {
		b.names <- names
		close(b.names)
	})
}

// wait ends the beginning, and waits for GitHub no longer than longestWait. It returns a warning
// if not all statuses are set.
func (b *beginning) wait() []Finding {
	b.environments(nil)
	timer := time.NewTimer(longestWait)
	defer timer.Stop()
	select {
	case <-b.done:
	case <-timer.C:
		b.cancel()
		<-b.done
	}
	b.cancel()
	if b.err == nil {
		return nil
	}
	return []Finding{{
		Severity: Warning, Check: "github", Where: "notifications", What: "the statuses of the commit are not all pending: " + errs.OneLine(b.err.Error()),
		Fix: errs.HintOf(b.err), Temporary: errs.IsTemporary(b.err),
	}}
}
