package progress

import (
	"io"
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// refresh is the interval between updates of the lines of a screen.
const refresh = 200 * time.Millisecond

// live prints progress on a screen: failures as lines that stay, the rest as lines
// that change in place.
type live struct {
	screen  *screen.Screen
	mask    func(string) string
	failing map[string]bool // stacks whose first failure was printed
}

// print writes the first failure of a stack: a stack that rolls back reports many
// more, which only follow from the first.
func (l *live) print(e Event) {
	failed := e.Step == Failed || strings.HasSuffix(e.Step, "_FAILED") && !strings.Contains(e.Text, "cancelled")
	if !failed || l.failing[string(e.Scope)+e.Subject] {
		return
	}
	if l.failing == nil {
		l.failing = map[string]bool{}
	}
	l.failing[string(e.Scope)+e.Subject] = true
	line := Line(e)
	if l.screen.Color() {
		line = screen.Red.Paint(line)
	}
	_, _ = io.WriteString(l.screen, l.mask(line)+"\n") // fails only if the terminal is gone
}

func (l *live) draw(s *state, now time.Time) {
	width, height := l.screen.Size()
	v := view{width: width, height: height, color: l.screen.Color(), mask: l.mask}
	l.screen.Draw(v.lines(s, now))
}

func (l *live) finish(s *state, now time.Time) {
	width, _ := l.screen.Size()
	v := view{width: width, color: l.screen.Color(), mask: l.mask}
	l.screen.Finish(v.last(s, now))
}
