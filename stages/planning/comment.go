package planning

import (
	"context"
	"strconv"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Commenter writes the comment of a pull request that has a marker, as [github.Repository] does.
type Commenter interface {
	Comment(ctx context.Context, number int, named, markdown string) error
}

// mostOfComment is how long GitHub may take.
const mostOfComment = 30 * time.Second

// show shows the plans at the pull request, in the one comment of the pipeline there. Nothing
// that GitHub does fails the check: the plans are stored, and in the log.
func (d Deps) show(ctx context.Context, frame stage.Frame, in Input, markdown string) {
	if in.PullRequest == "" || d.Repository == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, mostOfComment)
	defer cancel()
	number, err := strconv.Atoi(in.PullRequest)
	var repository Commenter
	if err == nil {
		repository, err = d.Repository(ctx)
	}
	if err == nil {
		err = repository.Comment(ctx, number, "plan/"+in.Pipeline, markdown)
	}
	if err != nil {
		frame.Log.Warn("the plan is not shown at the pull request", "number", in.PullRequest, "error", frame.Redactor.String(err.Error()), "hint", errs.HintOf(err))
		return
	}
	frame.Log.Info("the plan is shown at the pull request", "number", in.PullRequest)
}
