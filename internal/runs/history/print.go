package history

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/stages/record"
)

// Printer prints for a person. Names, subjects and errors are those of others: they are
// printed on one line, and a terminal only shows them.
type Printer struct {
	To    io.Writer
	Width int            // of the terminal, in columns; 0 cuts nothing
	Zone  *time.Location // of the times; nil is the local one
}

// Status prints a status.
func (p Printer) Status(s Status) error {
	rows := [][]string{{"ENVIRONMENT", "COMMIT", "SINCE", "BY", "RUN", "NOW"}}
	for _, env := range s.Environments {
		var now []string
		if env.Undeclared {
			now = append(now, "not in the configuration")
		}
		if len(env.Waiting) > 0 {
			now = append(now, "waits for an approval: "+strings.Join(env.Waiting, ", "))
		}
		if len(env.Gated) > 0 {
			now = append(now, "waits for its gates: "+strings.Join(env.Gated, ", "))
		}
		if env.Frozen != nil {
			now = append(now, "frozen "+env.Frozen.String())
		}
		if len(env.LeftOut) > 0 {
			now = append(now, "its run left out "+strings.Join(env.LeftOut, ", "))
		}
		if f := env.Failed; f != nil {
			now = append(now, fmt.Sprintf("failed %s: commit %s in run %s: %s", p.at(f.Ended), commit(f.Commit), f.Run, f.Error))
		}
		rows = append(rows, []string{env.Environment.Environment, commit(env.Commit), p.at(env.Since), env.By, env.Run, strings.Join(now, "; ")})
	}
	if err := p.table(rows); err != nil || len(s.Running) == 0 {
		return err
	}
	rows = [][]string{{"\nIN PROGRESS", "COMMIT", "CREATED", "BY", "WAITS FOR AN APPROVAL OF"}}
	for _, run := range s.Running {
		rows = append(rows, []string{run.Run, commit(run.Commit), p.at(run.Created), run.By, strings.Join(run.Waiting, ", ")})
	}
	return p.table(rows)
}

// History prints runs, a line each.
func (p Printer) History(runs []record.Summary) error {
	rows := [][]string{{"RUN", "STATUS", "COMMIT", "ENDED", "BY", "DEPLOYED TO", "ERROR"}}
	for _, run := range runs {
		to := strings.Join(run.Environments, ", ")
		if run.HandedOver != "" {
			to = "handed over"
		}
		rows = append(rows, []string{run.Run, run.Status, commit(run.Commit), p.at(run.Ended), run.By, to, cmp.Or(run.Error, run.Skipped)})
	}
	return p.table(rows)
}

// Run prints the record of a run.
func (p Printer) Run(d record.Document) error {
	about := [][2]string{
		{"status", d.Status},
		{"error", d.Error},
		{"skipped", d.Skipped},
		{"hint", d.Hint},
		{"commit", d.Commit},
		{"branch", d.Branch},
		{"repository", d.Repository},
		{"by", by(d)},
		{"purpose", strings.Join(append(purposeOf(d), d.Only...), " ")},
		{"reason", d.Reason},
		{"created", p.parsed(d.Created)},
		{"ended", p.at(d.Ended)},
		{"continues", d.Origin},
		{"handed over to", d.HandedOver},
		{"not deployed by any environment", strings.Join(d.Undeployed, ", ")},
		{"environments left out", strings.Join(d.Unreached, ", ")},
		{"left out by choice", strings.Join(d.LeftOut, ", ")},
		{"decisions", strings.Join(d.Decisions(), "; ")},
	}
	if _, err := fmt.Fprintf(p.To, "Run %s\n", line(d.Workflow)); err != nil {
		return err
	}
	for _, entry := range about {
		if entry[1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(p.To, "  %-10s %s\n", entry[0], line(entry[1])); err != nil {
			return err
		}
	}
	rows := [][]string{{"\nSTEP", "STATUS", "STARTED", "TOOK", "ERROR"}}
	for _, step := range d.Steps {
		rows = append(rows, []string{step.Step, step.Status, p.at(step.Started), took(step.Started, step.Ended), step.Error})
	}
	if err := p.table(rows); err != nil || len(d.Former) == 0 {
		return err
	}
	rows = [][]string{{"\nATTEMPT BEFORE", "STATUS", "ENDED", "ERROR"}}
	for _, former := range d.Former {
		rows = append(rows, []string{p.parsed(former.Created), former.Status, p.at(former.Ended), former.Error})
	}
	return p.table(rows)
}

// by says who started a run, and whether only the run says so.
func by(d record.Document) string {
	if d.Purpose == "" || d.Attested {
		return d.Pusher
	}
	return d.Pusher + " (not attested)"
}

func purposeOf(d record.Document) []string {
	if d.Purpose == "" {
		return nil
	}
	return []string{d.Purpose}
}

// widest is the most columns of a cell other than the last.
const widest = 64

// table prints rows with the first one as their head. The last cell has what is left of the
// terminal, or is cut.
func (p Printer) table(rows [][]string) error {
	last := len(rows[0]) - 1
	widths := make([]int, last)
	for r, row := range rows {
		for c := range row {
			if r > 0 {
				row[c] = line(row[c])
			}
			if c < last {
				row[c] = screen.Cut(row[c], widest)
				widths[c] = max(widths[c], screen.Width(strings.TrimPrefix(row[c], "\n")))
			}
		}
	}
	for _, row := range rows {
		var text strings.Builder
		if strings.HasPrefix(row[0], "\n") { // between two tables
			fmt.Fprintln(p.To)
			row[0] = row[0][1:]
		}
		for c, cell := range row[:last] {
			text.WriteString(cell + strings.Repeat(" ", widths[c]-screen.Width(cell)+2))
		}
		whole := strings.TrimRight(text.String()+row[last], " ")
		if p.Width > 0 {
			whole = screen.Cut(whole, p.Width)
		}
		if _, err := fmt.Fprintln(p.To, whole); err != nil {
			return err
		}
	}
	return nil
}

// line returns a text of others on one line, in which a terminal finds nothing to do.
func line(text string) string {
	return screen.Inert(strings.Join(strings.Fields(text), " "))
}

// commit returns the first digits of a commit.
func commit(full string) string { return full[:min(len(full), 10)] }

// at returns a time to the minute; "" for none.
func (p Printer) at(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	zone := p.Zone
	if zone == nil {
		zone = time.Local
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// parsed returns a time in RFC 3339 as at does, and another text as it is.
func (p Printer) parsed(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return p.at(t)
}

// took returns how long a step took, to the second.
func took(from, to time.Time) string {
	if from.IsZero() || to.Before(from) {
		return ""
	}
	return to.Sub(from).Round(time.Second).String()
}
