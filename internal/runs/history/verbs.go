package history

import (
	"context"
	"fmt"
	"io"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// Output is where the verbs print to, and how.
type Output struct {
	stdio.Streams
	Raw  stdio.Raw
	JSON bool // print JSON
}

// print prints a value as JSON, or for a person.
func (o Output) print(value any, text func(Printer) error) error {
	var err error
	if o.JSON {
		err = o.Raw.PrintJSON(value)
	} else {
		err = text(Printer{To: o.Out, Width: screen.Columns(o.Raw.Out)})
	}
	return errs.Writing("standard output", err)
}

// StatusVerb shows what is in each environment. The fields of the verbs are their flags.
type StatusVerb struct{ Flags }

// Help returns the details and examples of the verb.
func (StatusVerb) Help() string {
	return `Shows which commit is in each environment, since when, by whom and by which run, whether the last deployment
failed, and which runs are in progress or wait for an approval. The runs in progress come from the cluster, the
rest from one object in the artifact bucket: without access to the cluster, only the rest is shown. Nothing is
changed.

Examples:

  generator status
  generator status --json | jq -r '.environments[] | "\(.environment) \(.commit)"'
  generator status --state .aphex         # of local runs`
}

// Run opens the records, reads and prints.
func (v StatusVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Print)
}

// Print reads and prints the status.
func (StatusVerb) Print(ctx context.Context, s Source, o Output) error {
	status, unknown, err := s.Status(ctx)
	if err != nil {
		return err
	}
	if unknown != nil {
		fmt.Fprintf(o.Err, "runs in progress are not shown: %v\n", unknown)
	}
	return o.print(status, func(p Printer) error { return p.Status(status) })
}

// ListVerb lists runs that ended.
type ListVerb struct {
	Flags
	Environment string `short:"e" help:"Only runs that deployed to this environment." placeholder:"NAME"`
	Last        int    `short:"n" help:"How many runs, of the last 1,000." default:"20" placeholder:"NUMBER"`
}

// Validate refuses a number of runs that lists none.
func (v ListVerb) Validate() error {
	if v.Last < 1 {
		return errs.Invalidf("--last must be at least 1")
	}
	return nil
}

// Help returns the details and examples of the verb.
func (ListVerb) Help() string {
	return `Lists the last runs, newest first: commit, who pushed it, what it was deployed to, and the cause of a failure.

Examples:

  generator history
  generator history --environment prod --last 5
  generator history --json | jq -r '.runs[] | select(.status == "Failed") | .run'`
}

// Run opens the records, reads and prints.
func (v ListVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Print)
}

// Print reads and prints the runs.
func (v ListVerb) Print(ctx context.Context, s Source, o Output) error {
	runs, err := s.History(ctx, v.Environment, v.Last)
	if err != nil {
		return err
	}
	return o.print(map[string]any{"runs": runs}, func(p Printer) error { return p.History(runs) })
}

// ShowVerb shows a run.
type ShowVerb struct {
	Flags
	Of string `arg:"" name:"run" help:"Run: its name, or the beginning of its name or commit."`
}

// Help returns the details and examples of the verb.
func (ShowVerb) Help() string {
	return `Shows a run: its commit, its steps with their durations, the cause of a failure with what to do, and the attempts
before. If several runs match, the newest is shown. For a run in progress, the steps that have ended are shown.

Examples:

  generator show shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d
  generator show 3f2a9c1
  generator show 3f2a9c1 --json | jq -r .error`
}

// Run opens the records, reads and prints.
func (v ShowVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Print)
}

// Print reads and prints the run.
func (v ShowVerb) Print(ctx context.Context, s Source, o Output) error {
	run, more, err := s.Find(ctx, v.Of)
	if err != nil {
		return err
	}
	for _, other := range more {
		fmt.Fprintf(o.Err, "an earlier run: %s\n", other)
	}
	document, err := s.Show(ctx, run)
	if err != nil {
		return err
	}
	return o.print(document, func(p Printer) error { return p.Run(document) })
}

// LogsVerb prints the logs of a run.
type LogsVerb struct {
	Flags
	Of     string `arg:"" name:"run" help:"Run: its name, or the beginning of its name or commit."`
	Stage  string `short:"s" help:"Only the logs of this step, such as build or deploy-dev." placeholder:"NAME"`
	Follow bool   `short:"f" help:"Print also what is logged from now on, until the run ends. Only for runs in a cluster."`
}

// Help returns the details and examples of the verb.
func (LogsVerb) Help() string {
	return `Prints the logs of the steps of a run, one attempt after another: from the pods that still exist, or with --state
from the files of a local run. In a cluster, the log of a deployment includes the tests of its environment. With
--follow, the logs of steps that run concurrently are printed one after another; none is lost.

With --json, each line is an object with step, attempt (the pod or file) and text.

Examples:

  generator logs 3f2a9c1 --stage deploy-prod
  generator logs shop-3f2a9c1d0b8e4f7a6c5d4e3f2a1b0c9d --follow
  generator logs aphex-pipeline-20260101-120000 --state .aphex --stage build`
}

// Validate refuses to follow a local run, which prints its logs itself.
func (v LogsVerb) Validate() error {
	if v.Follow && v.State != "" {
		return errs.Invalidf("--follow requires a run of a cluster").WithHint("generator run prints the logs of a local run")
	}
	return nil
}

// Run opens the records, reads and prints.
func (v LogsVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Print)
}

// Print finds the run and prints its logs. Their names go to stderr.
func (v LogsVerb) Print(ctx context.Context, s Source, o Output) error {
	run, _, err := s.Find(ctx, v.Of)
	if err != nil {
		return err
	}
	return s.CopyLogs(ctx, run, v.Stage, v.Follow, func(log Log) io.Writer {
		if o.JSON {
			return NewLines(o.Raw.Document(), log)
		}
		fmt.Fprintf(o.Err, "==> %s (%s)\n", log.Step, log.Attempt)
		return o.Raw.Document()
	})
}
