package install

import (
	"context"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/argo"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Adopt sets the names that the configuration leaves out to those of the installed pipeline.
func (t *Target) Adopt(ctx context.Context) error {
	_, err := t.useInstalledNames(ctx)
	return err
}

// maxNumbers is how many names are tried for a run.
const maxNumbers = 50

// Start starts the run that a person asks for, in the version of the pipeline that the next
// push would run. Its name has the number, or the next one that no run has.
func (t *Target) Start(ctx context.Context, a argo.Asked, number int, name func(number int) string) (run string, err error) {
	submission := kube.Submission{
		Namespace: t.Config.ArgoEventsNamespace, Sensor: t.Config.SensorName, Trigger: argo.PushTrigger,
		Title: a.Title(), Entrypoint: a.Entry(), Parameters: a.Values(), Requires: a.Parameters(),
	}
	if number == 0 {
		submission.Former = plan.FormerFirstRun(t.Config.WorkflowNamePrefix, a.Commit)
	}
	for last := number + maxNumbers; number < last; number++ {
		submission.Name = name(number)
		run, started, err := t.Cluster.Submit(ctx, submission)
		switch {
		case err != nil:
			return "", fmt.Errorf("starting run %q: %w", submission.Name, err)
		case started:
			return run, nil
		case number == 0:
			return "", errs.Failedf("commit %s has its run: %s", a.Commit, run).WithHint("generator show %s; once it has ended: generator retry %s", run, run)
		}
	}
	return "", errs.Failedf("the next %d names of runs of commit %s are taken", maxNumbers, a.Commit).WithHint("generator status lists the runs in progress")
}
