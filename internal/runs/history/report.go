package history

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/page"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// ReportVerb writes the page of a run, or of the pipeline.
type ReportVerb struct {
	Flags
	Of     string `arg:"" name:"run" optional:"" help:"Run: its name, or the beginning of its name or commit (default: the pipeline)."`
	Output string `short:"o" help:"File to write (default: stdout)." type:"path" placeholder:"FILE"`
}

// Help returns the details and examples of the verb.
func (ReportVerb) Help() string {
	return `Writes a run as an HTML page: the first cause of a failure, a timeline of stages, stacks and resources, rights that
became wider, tests and outputs. Without a run, the page is that of the pipeline: what is in which environment, the
last runs, DORA's four keys of each environment, and the slowest steps. A page is one file that fetches and runs
nothing.

The record of a run writes the same pages into the artifact bucket: metadata/workflows/<run>.html and index.html.

Examples:

  generator report 3f2a9c1 -o report.html
  generator report -o index.html
  generator report aphex-pipeline-20260101-120000 --state .aphex -o report.html`
}

// Run opens the records, reads and prints.
func (v ReportVerb) Run(ctx context.Context, std stdio.Streams, raw stdio.Raw) error {
	return v.run(ctx, std, raw, v.Print)
}

// Print reads what the page shows, and writes it.
func (v ReportVerb) Print(ctx context.Context, s Source, o Output) error {
	if o.JSON && v.Output == "" {
		return errs.Invalidf("--json prints which file was written").WithHint("pass --output FILE; generator show --json prints a run as JSON")
	}
	name, html, err := v.render(ctx, s, o)
	if err != nil {
		return err
	}
	if v.Output == "" {
		_, err := o.Raw.Document().Write(html)
		return errs.Writing("standard output", err)
	}
	if err := os.WriteFile(v.Output, html, 0o644); err != nil {
		return errs.Writing(v.Output, err)
	}
	return o.print(map[string]any{"run": name, "file": v.Output, "bytes": len(html)}, func(p Printer) error {
		_, err := fmt.Fprintln(p.To, v.Output)
		return err
	})
}

// render returns the page, and the name of the run that it is of.
func (v ReportVerb) render(ctx context.Context, s Source, o Output) (run string, html []byte, err error) {
	if v.Of == "" {
		index, err := record.ReadIndex(ctx, s.Bucket)
		if err != nil {
			return "", nil, err
		}
		html, err = page.OfPipeline(index.Page(time.Now(), false))
		return "", html, err
	}
	run, more, err := s.Find(ctx, v.Of)
	if err != nil {
		return "", nil, err
	}
	for _, other := range more {
		fmt.Fprintf(o.Err, "an earlier run: %s\n", other)
	}
	document, err := s.Show(ctx, run)
	if err != nil {
		return "", nil, err
	}
	html, err = page.OfRun(document.Page())
	return run, html, err
}
