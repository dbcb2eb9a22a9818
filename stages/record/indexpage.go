package record

import (
	"time"

	"github.com/aphex/aphex-pipeline/internal/report/page"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Page returns what the page of the pipeline shows at a time; linked links it to the pages of
// its runs, which must be beside it.
func (x Index) Page(now time.Time, linked bool) page.Pipeline {
	p := page.Pipeline{Name: x.Pipeline, Now: now.UTC(), Version: stage.Version(), Days: int(Window / (24 * time.Hour)), Total: len(x.Runs)}
	has := map[string]bool{}
	for _, run := range x.Runs {
		has[run.Run] = linked && run.Page
	}
	of := func(run string) page.Link { return page.Link{Run: run, Has: has[run]} }
	for _, env := range x.Environments {
		e := page.Deployed{Name: env.Environment, Commit: env.Commit, Branch: env.Branch, By: env.By, Since: env.Since, Run: of(env.Run), LeftOut: env.LeftOut}
		if f := env.Failed; f != nil {
			e.Failed = &page.Failed{Commit: f.Commit, By: f.By, Ended: f.Ended, Error: f.Error, Run: of(f.Run)}
		}
		p.Environments = append(p.Environments, e)
	}
	for _, k := range x.Keys(now) {
		p.Keys = append(p.Keys, page.Keys(k))
	}
	for _, pace := range x.Slowest() {
		p.Slowest = append(p.Slowest, page.Pace(pace))
	}
	for _, s := range x.Runs[:min(len(x.Runs), page.MaxRuns)] {
		created, _ := time.Parse(time.RFC3339, s.Created)
		p.Runs = append(p.Runs, page.Summary{
			Run: of(s.Run), Word: s.Status, Status: statusOf(s.Status), Commit: s.Commit, Branch: s.Branch, By: s.By, Created: created, Ended: s.Ended,
			Environments: s.Environments, HandedOver: s.HandedOver, Error: s.Error, Skipped: s.Skipped, Check: s.Check, Purpose: s.Purpose,
		})
	}
	return p
}
