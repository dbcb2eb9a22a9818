package progress

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// view turns a state into the lines of a screen.
type view struct {
	width, height int // of the terminal, in columns and rows
	color         bool
	mask          func(string) string
}

const (
	maxTable = 140 // widest line, in columns
	maxName  = 28
	minText  = 12 // columns that the text should have
)

// spinner shows that a stack is being worked on.
var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// turnOf returns the spinner's frame at a moment.
func turnOf(now time.Time) string {
	return spinner[int(now.UnixMilli()/refresh.Milliseconds())%len(spinner)]
}

// row is one line before it is fitted.
type row struct {
	symbol      string
	style       screen.Style
	name, text  string
	count, took string
	last        string
	rank        int // dropped first when there is no room: 1 ended, 2 waiting, 3 the rest; 4 is kept
}

// lines returns the lines at a moment: what the stage does, its
// assets, and the stacks, as many as there is room for.
func (v view) lines(s *state, now time.Time) []string {
	turn := turnOf(now)
	var rows []row
	for _, subject := range s.busyWith(Stage) {
		rows = append(rows, row{symbol: turn, style: screen.Cyan, name: subject.name, text: subject.doing, took: seconds(now.Sub(subject.since)), rank: 3})
	}
	if assets := s.busyWith(Asset); len(assets) > 0 {
		var doing []string
		for _, asset := range assets {
			doing = append(doing, asset.doing)
		}
		rows = append(rows, row{symbol: turn, style: screen.Cyan, name: "assets", text: strings.Join(doing, ", "), rank: 3})
	}
	for _, name := range s.stacks {
		rows = append(rows, stackRow(s.of(Stack, name), turn, now))
	}
	return v.table(v.fit(rows))
}

// last returns the lines that stay: the stacks that began, and those that were skipped.
func (v view) last(s *state, now time.Time) []string {
	var rows []row
	for _, name := range s.stacks {
		if subject := s.of(Stack, name); !subject.began.IsZero() || subject.outcome != "" {
			rows = append(rows, stackRow(subject, "■", now))
		}
	}
	return v.table(rows)
}

func stackRow(s *subject, turn string, now time.Time) row {
	r := row{name: s.name, rank: 1}
	switch s.outcome {
	case Finished:
		r.symbol, r.style, r.text = "✔", screen.Green, s.text
	case Failed:
		r.symbol, r.style, r.text = "✖", screen.Red, s.text
	case Stopped:
		r.symbol, r.style, r.text = "■", screen.Yellow, s.text
	case Skipped:
		r.symbol, r.style, r.text = "·", screen.Dim, s.text
		return r
	default:
		r.symbol, r.style, r.text, r.rank = turn, screen.Cyan, s.words(), 3
	}
	if s.last > 0 {
		r.last = seconds(duration(s.last))
	}
	if s.began.IsZero() {
		r.symbol, r.style, r.text, r.rank = "·", screen.Dim, "waiting", 2
		return r
	}
	end := s.ended
	if end.IsZero() {
		end = now
	}
	r.took = seconds(end.Sub(s.began))
	if s.total > 0 {
		r.count = fmt.Sprintf("%d/%d", min(len(s.done), s.total), s.total)
	}
	return r
}

// fit drops rows when the terminal has too few, those of the lowest rank first, and
// ends with a row that counts them.
func (v view) fit(rows []row) []row {
	room := v.height - 1
	if len(rows) <= room {
		return rows
	}
	left := map[int]int{}
	for rank := 1; rank <= 3; rank++ {
		for len(rows) > max(0, room-1) {
			at := lastOf(rows, rank)
			if rank == 1 { // the longest ago
				at = slices.IndexFunc(rows, func(r row) bool { return r.rank == rank })
			}
			if at < 0 {
				break
			}
			left[rank]++
			rows = slices.Delete(rows, at, at+1)
		}
	}
	if room < 1 {
		return nil
	}
	var parts []string
	for rank, words := range []string{1: "ended", 2: "waiting", 3: "in progress"} {
		if left[rank] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", left[rank], words))
		}
	}
	return append(rows, row{symbol: "…", style: screen.Dim, name: "and", text: strings.Join(parts, ", ")})
}

// lastOf returns the index of the last row of a rank; -1 is none.
func lastOf(rows []row, rank int) int {
	for i, r := range slices.Backward(rows) {
		if r.rank == rank {
			return i
		}
	}
	return -1
}

// table returns the rows as lines of equal columns that fit the terminal.
func (v view) table(rows []row) []string {
	var name, count, took, last int
	for i := range rows {
		rows[i].name, rows[i].text = screen.Plain(rows[i].name), screen.Plain(rows[i].text)
		if v.mask != nil {
			rows[i].text = v.mask(rows[i].text)
		}
		if rows[i].last != "" && v.width >= 100 {
			rows[i].last = "last time " + rows[i].last
		} else if rows[i].last != "" {
			rows[i].last = "last " + rows[i].last
		}
		name, count = max(name, length(rows[i].name)), max(count, length(rows[i].count))
		took, last = max(took, length(rows[i].took)), max(last, length(rows[i].last))
	}
	width := min(v.width-1, maxTable)
	name = min(name, maxName, max(1, width/3))
	rest := func() int { return width - 2 - name - gap(count) - gap(took) - gap(last) - 2 }
	for _, column := range []*int{&last, &count} { // the less important first
		if rest() < minText {
			*column = 0
		}
	}
	lines := make([]string, 0, len(rows))
	for _, r := range rows {
		lines = append(lines, v.line(r, name, max(1, rest()), count, took, last, width))
	}
	return lines
}

// gap is the width of a column with the space before it; one without content has none.
func gap(width int) int {
	if width == 0 {
		return 0
	}
	return width + 2
}

func (v view) line(r row, name, text, count, took, last, width int) string {
	right := ""
	for _, column := range []struct {
		text  string
		width int
	}{{r.count, count}, {r.took, took}, {r.last, last}} {
		if column.width > 0 {
			right += "  " + strings.Repeat(" ", max(0, column.width-length(column.text))) + cut(column.text, column.width)
		}
	}
	head := pad(cut(r.name, name), name)
	middle := pad(cut(errs.OneLine(r.text), text), text)
	if 2+name+2+text+length(right) > width { // far too narrow for columns
		return cut(r.symbol+" "+r.name+"  "+errs.OneLine(r.text), max(0, width))
	}
	if !v.color {
		return strings.TrimRight(r.symbol+" "+head+"  "+middle+right, " ")
	}
	if r.style == screen.Red {
		middle = screen.Red.Paint(middle)
	}
	return r.style.Paint(r.symbol) + " " + head + "  " + middle + screen.Dim.Paint(strings.TrimRight(right, " "))
}

func length(text string) int { return screen.Width(text) }

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-length(text)))
}

func cut(text string, width int) string { return screen.Cut(text, width) }
