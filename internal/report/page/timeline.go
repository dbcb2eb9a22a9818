package page

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// row is a line of the timeline.
type row struct {
	Name, Note, Kind, Error, Took string
	Status                        Status
	X, W                          string // of the bar, in percent; "" is none
	Cause                         bool   // the first that failed
	Rows                          []row
	More                          int    // rows that are left out
	Quiet                         string // such as "12 stacks unchanged"
	Wait                          string // nothing ran for so long before this row
}

// Opened reports whether the rows of a row are shown at first.
func (r row) Opened() bool { return r.Status == Bad }

// clock turns times into places on the axis. Waits, in which nothing runs, are cut from it.
type clock struct {
	began time.Time
	waits []wait
	whole time.Duration // of the axis
	step  time.Duration // between its marks, of which it has four
}

type wait struct {
	from, to time.Time
}

// shortestWait is the shortest time without a stage that is cut from the axis.
const shortestWait = time.Minute

// newClock returns the clock of stages.
func newClock(stages []Span) clock {
	spans := slices.DeleteFunc(slices.Clone(stages), func(s Span) bool { return s.Started.IsZero() || s.Waits })
	if len(spans) == 0 {
		return clock{}
	}
	slices.SortStableFunc(spans, func(a, b Span) int { return a.Started.Compare(b.Started) })
	c := clock{began: spans[0].Started}
	end := c.began
	var work time.Duration
	for _, s := range spans {
		work += max(seconds(s.Seconds), 0)
	}
	for _, s := range spans {
		if gap := s.Started.Sub(end); gap > max(shortestWait, work/4) {
			c.waits = append(c.waits, wait{end, s.Started})
		}
		if to := s.Started.Add(seconds(s.Seconds)); to.After(end) {
			end = to
		}
	}
	total := c.since(end)
	for _, c.step = range steps {
		if 4*c.step >= total {
			break
		}
	}
	c.whole = max(4*c.step, total)
	return c
}

// steps are the distances of marks on the axis.
var steps = []time.Duration{
	time.Second / 4, time.Second / 2, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second,
	30 * time.Second, 45 * time.Second, time.Minute, 90 * time.Second, 2 * time.Minute, 3 * time.Minute, 5 * time.Minute, 8 * time.Minute, 10 * time.Minute, 15 * time.Minute,
	20 * time.Minute, 30 * time.Minute, 45 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// since returns how long stages ran until a time.
func (c clock) since(t time.Time) time.Duration {
	d := t.Sub(c.began)
	for _, w := range c.waits {
		switch {
		case !t.Before(w.to):
			d -= w.to.Sub(w.from)
		case t.After(w.from):
			d -= t.Sub(w.from)
		}
	}
	return min(max(d, 0), max(c.whole, d))
}

// marks returns the texts below the axis.
func (c clock) Marks() (texts []string) {
	for i := range 4 {
		if c.whole > 0 {
			texts = append(texts, duration(time.Duration(i)*c.whole/4))
		}
	}
	return texts
}

// bar returns the place and the width of a bar.
func (c clock) bar(s Span) (x, w string) {
	if s.Started.IsZero() || c.whole <= 0 || s.Waits {
		return "", ""
	}
	from := min(float64(c.since(s.Started))/float64(c.whole)*100, 99.6)
	width := min(max(float64(seconds(s.Seconds))/float64(c.whole)*100, 0.4), 100-from)
	return fmt.Sprintf("%.4g%%", from), fmt.Sprintf("%.3g%%", width)
}

// waitBefore returns how long nothing ran before a stage.
func (c clock) waitBefore(s Span) string {
	for _, w := range c.waits {
		if w.to.Equal(s.Started) {
			return duration(w.to.Sub(w.from))
		}
	}
	return ""
}

// rows returns the rows of spans, as many as limits say at each level.
func (c clock) rows(spans []Span, keep map[*Span]bool) (rows []row, more int) {
	quiet := 0
	for i := range spans {
		s := &spans[i]
		switch {
		case s.Status == Idle && len(s.Spans) == 0 && s.Error == "" && s.Kind == "" && s.Note == unchanged:
			quiet++
			continue
		case !keep[s]:
			more++
			continue
		}
		r := row{Name: line(s.Name, longestName), Note: line(s.Note, longestText), Kind: line(s.Kind, longestName), Error: block(s.Error, longestText), Status: s.Status}
		r.X, r.W = c.bar(*s)
		if s.Seconds > 0 || !s.Started.IsZero() {
			r.Took = duration(seconds(s.Seconds))
		}
		r.Rows, r.More = c.rows(s.Spans, keep)
		rows = append(rows, r)
	}
	if quiet > 0 {
		rows = append(rows, row{Status: Idle, Quiet: count(quiet, "stack") + " unchanged"})
	}
	return rows, more
}

// unchanged is the note of a stack that was not changed.
const unchanged = "unchanged"

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// timeline returns the rows of the stages.
func (c clock) timeline(stages []Span, l limits) (rows []row, more int) {
	rows, more = c.rows(stages, kept(stages, l))
	at := 0
	for i := range stages {
		if at < len(rows) && rows[at].Name == line(stages[i].Name, longestName) {
			rows[at].Wait = c.waitBefore(stages[i])
			at++
		}
	}
	if first := slices.IndexFunc(rows, func(r row) bool { return r.Status == Bad }); first >= 0 {
		rows[first].Cause = true
	}
	return rows, more
}

// kept returns the spans that a page shows: of each level those that failed, then those
// that took longest.
func kept(stages []Span, l limits) map[*Span]bool {
	keep := map[*Span]bool{}
	level := make([]*Span, 0, len(stages))
	for i := range stages {
		level = append(level, &stages[i])
	}
	for _, most := range []int{l.stages, l.stacks, l.resources} {
		slices.SortStableFunc(level, func(a, b *Span) int {
			return cmp.Or(cmp.Compare(rank(a.Status), rank(b.Status)), cmp.Compare(b.Seconds, a.Seconds))
		})
		var next []*Span
		for _, s := range level[:min(len(level), most)] {
			keep[s] = true
			for i := range s.Spans {
				next = append(next, &s.Spans[i])
			}
		}
		level = next
	}
	return keep
}

func rank(s Status) int {
	return slices.Index([]Status{Bad, Stopped, Open, Good, Idle}, s)
}
