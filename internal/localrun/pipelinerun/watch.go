package pipelinerun

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aphex/aphex-pipeline/internal/localrun/source"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// pollHead is how often HEAD is read.
const pollHead = 500 * time.Millisecond

// watch runs the pipeline, and again for each commit that HEAD becomes, until the context ends. It returns an
// error only if that stops a run.
func watch(ctx context.Context, o Options) error {
	for {
		commit, _ := source.Head(o.Source) // once reports why it cannot be read
		if err := once(ctx, o); err != nil {
			if errors.Is(err, ErrStopped) || ctx.Err() != nil {
				return err
			}
			stage.PrintError(o.Err, err)
		}
		fmt.Fprintln(o.Err, "\nwaiting for a commit; Ctrl-C ends")
		if !changes(ctx, o.Source, commit) {
			return nil
		}
	}
}

// changes waits until HEAD is another commit, and reports false if the context ended before. A repository that cannot
// be read is in the middle of a change.
func changes(ctx context.Context, dir, commit string) bool {
	for ticker := time.NewTicker(pollHead); ; {
		select {
		case <-ctx.Done():
			ticker.Stop()
			return false
		case <-ticker.C:
			if now, err := source.Head(dir); err == nil && now != commit {
				ticker.Stop()
				return true
			}
		}
	}
}
