// Package screentest is a small terminal for tests: it takes what a program writes and
// returns what is on the screen.
package screentest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/clipperhouse/displaywidth"
)

// Terminal is a screen of cells with a cursor. It implements the sequences that this
// module writes and collects all others in Unknown.
type Terminal struct {
	Width, Height int
	Hidden        bool     // the cursor is hidden
	NoWrap        bool     // lines are cut at the right edge
	Unknown       []string // sequences that it does not implement

	rows     [][]rune // including those scrolled off the screen
	row, col int
	top      int // first row that is on the screen
	rest     string
}

// New makes an empty terminal.
func New(width, height int) *Terminal {
	return &Terminal{Width: width, Height: height, rows: [][]rune{nil}}
}

// Write takes output of a program, in pieces of any size.
func (t *Terminal) Write(p []byte) (int, error) {
	text := t.rest + string(p)
	for text != "" {
		if text[0] == '\x1b' {
			rest, whole := t.escape(text)
			if !whole {
				break
			}
			text = rest
			continue
		}
		r := []rune(text[:min(len(text), 4)])[0]
		if r == '\uFFFD' && len(text) < 4 {
			break // an incomplete character
		}
		t.put(r)
		text = text[len(string(r)):]
	}
	t.rest = text
	return len(p), nil
}

// Lines returns all lines ever written, without spaces at their ends, and without
// empty ones at the end.
func (t *Terminal) Lines() []string {
	var lines []string
	for _, row := range t.rows {
		lines = append(lines, strings.TrimRight(strings.ReplaceAll(string(row), string(covered), ""), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// Text returns the lines as one text.
func (t *Terminal) Text() string { return strings.Join(t.Lines(), "\n") }

// Cursor returns the cursor's column, and its row counted from the last line.
func (t *Terminal) Cursor() (column, below int) { return t.col, t.row - len(t.Lines()) }

// covered is the second cell of a character that takes two.
const covered = '\uE000'

func (t *Terminal) put(r rune) {
	switch r {
	case '\n':
		t.down()
		t.col = 0 // the line discipline of a terminal turns it into \r\n
	case '\r':
		t.col = 0
	default:
		t.cell(r, displaywidth.Rune(r))
	}
}

// cell writes a character of a width; one of no width combines with the one before it
// and is left out.
func (t *Terminal) cell(r rune, width int) {
	if t.col+width > t.Width && t.NoWrap {
		t.col = max(0, t.Width-width)
	} else if t.col+width > t.Width {
		t.down()
		t.col = 0
	}
	for i := range width {
		for len(t.rows[t.row]) <= t.col {
			t.rows[t.row] = append(t.rows[t.row], ' ')
		}
		t.rows[t.row][t.col] = r
		if i > 0 {
			t.rows[t.row][t.col] = covered
		}
		t.col++
	}
}

func (t *Terminal) down() {
	t.row++
	if t.row == len(t.rows) {
		t.rows = append(t.rows, nil)
	}
	t.top = max(t.top, t.row-t.Height+1)
}

// escape runs one control sequence.
func (t *Terminal) escape(text string) (rest string, whole bool) {
	if len(text) < 2 {
		return text, false
	}
	if text[1] != '[' {
		t.Unknown = append(t.Unknown, fmt.Sprintf("%.12q", text))
		return text[1:], true
	}
	end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' })
	if end < 0 {
		return text, false
	}
	argument, final := text[2:2+end], text[2+end]
	count, _ := strconv.Atoi(argument)
	switch {
	case final == 'm':
	case final == 'A':
		t.row = max(t.top, t.row-max(1, count))
	case final == 'J' && argument == "":
		t.rows = t.rows[:t.row+1]
		t.rows[t.row] = t.rows[t.row][:min(t.col, len(t.rows[t.row]))]
	case final == 'K' && argument == "2":
		t.rows[t.row] = nil
	case argument == "?25":
		t.Hidden = final == 'l'
	case argument == "?7":
		t.NoWrap = final == 'l'
	default:
		t.Unknown = append(t.Unknown, fmt.Sprintf("%q", text[:3+end]))
	}
	return text[3+end:], true
}
