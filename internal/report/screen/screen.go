package screen

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/clipperhouse/displaywidth"
	"golang.org/x/term"
)

// Control sequences (ECMA-48 and DEC private modes).
const (
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	wrapOff    = "\x1b[?7l" // a line that is too wide is cut, not wrapped
	wrapOn     = "\x1b[?7h"
	clearLine  = "\x1b[2K"
	clearBelow = "\x1b[J"
)

// maxRest is the most that is kept of a line without an end, in bytes.
const maxRest = 64 << 10

// Screen is a terminal. Text goes through Write; the lines at its bottom are
// set with Draw and end with Finish. It is safe for concurrent use.
type Screen struct {
	size  func() (width, height int)
	color bool

	mu     sync.Mutex
	to     io.Writer
	lines  []string // at the bottom, as drawn
	width  int      // of the terminal when they were drawn
	rest   []byte   // text without a line end yet, while there are lines
	within bool     // the cursor is within a line of text
}

// New makes a screen that writes to a terminal of a size that may change.
func New(to io.Writer, size func() (width, height int), color bool) *Screen {
	return &Screen{to: to, size: size, color: color}
}

// Terminal returns a stream as a file if it is a terminal, and nil otherwise.
func Terminal(stream any) *os.File {
	if file, ok := stream.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// On returns the screen of w, or nil where lines cannot change in place: w is not a
// terminal, the terminal is dumb, or the output is recorded by a CI system.
func On(w io.Writer) *Screen {
	file := Terminal(w)
	if file == nil || isDumb(os.Getenv) {
		return nil
	}
	size := func() (int, int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24
		}
		return width, height
	}
	return New(file, size, os.Getenv("NO_COLOR") == "")
}

// Columns returns how many columns the terminal of a stream has; 0 is a stream that is none.
func Columns(stream any) int {
	file := Terminal(stream)
	if file == nil {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return max(width, 0)
}

func isDumb(get func(string) string) bool {
	terminal, ci := get("TERM"), get("CI")
	return terminal == "" || terminal == "dumb" || ci != "" && ci != "false" && ci != "0"
}

// Size returns the current columns and rows of the terminal.
func (s *Screen) Size() (width, height int) { return s.size() }

// Color reports whether text may have colours.
func (s *Screen) Color() bool { return s.color }

// Write writes text. While there are lines at the bottom, complete lines of text go
// above them.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(p) == 0 {
		return 0, nil
	}
	if s.lines == nil {
		s.within = p[len(p)-1] != '\n'
		return s.to.Write(p)
	}
	s.rest = append(s.rest, p...)
	end := bytes.LastIndexByte(s.rest, '\n') + 1
	if end == 0 && len(s.rest) > maxRest {
		end = len(s.rest)
	}
	if end == 0 {
		return len(p), nil
	}
	text := Clean(string(s.rest[:end]))
	s.rest = slices.Clone(s.rest[end:])
	width, _ := s.size()
	return len(p), s.write(s.erase(width) + text + s.draw(s.lines))
}

// Draw sets the lines at the bottom. They should be narrower than the terminal,
// and fewer than its rows.
func (s *Screen) Draw(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	width, height := s.size()
	lines = lines[:min(len(lines), max(0, height-1))]
	if width == s.width && slices.Equal(lines, s.lines) {
		return
	}
	before := ""
	if s.lines == nil && s.within {
		before = "\n"
	}
	change := s.replace(lines, width)
	s.lines, s.width, s.within = append([]string{}, lines...), width, false
	_ = s.write(before + change) // fails only if the terminal is gone
}

// Answered records that the cursor is at the beginning of a line, because the user
// ended the last one with an answer.
func (s *Screen) Answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.within = false
}

// Finish removes the lines at the bottom and prints the given ones as text.
func (s *Screen) Finish(lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lines == nil {
		return
	}
	width, _ := s.size()
	text := s.erase(width) + Clean(string(s.rest))
	if len(s.rest) > 0 && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	s.lines, s.rest = nil, nil
	_ = s.write(text + s.draw(lines))
}

// write writes one change at once.
func (s *Screen) write(change string) error {
	_, err := io.WriteString(s.to, hideCursor+change+showCursor)
	return err
}

// replace redraws only the lines that changed if number and width are the same;
// otherwise it redraws all.
func (s *Screen) replace(lines []string, width int) string {
	if len(lines) != len(s.lines) || width != s.width {
		return s.erase(width) + s.draw(lines)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\r\x1b[%dA%s", len(lines), wrapOff)
	for i, line := range lines {
		if line != s.lines[i] {
			b.WriteString(clearLine + line)
		}
		b.WriteString("\r\n")
	}
	return b.String() + wrapOn
}

func (s *Screen) draw(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return wrapOff + strings.Join(lines, "\r\n") + "\r\n" + wrapOn
}

// erase removes what was drawn. A terminal that has become narrower has wrapped the
// lines onto more rows.
func (s *Screen) erase(width int) string {
	rows := 0
	for _, line := range s.lines {
		rows++
		if width > 0 && width < s.width {
			rows += max(0, Width(line)-1) / width
		}
	}
	if rows == 0 {
		return ""
	}
	return fmt.Sprintf("\r\x1b[%dA%s", rows, clearBelow)
}

var (
	// sequence is a control sequence, a string for the terminal (a title, a device
	// command) with its end, another escape, or a lone one.
	sequence = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]+[0-~]|.)?`)
	// style is a sequence that changes how text looks, and nothing else.
	style = regexp.MustCompile(`^\x1b\[[0-9;:]*m$`)
)

// styleEnd ends all styles, such as those that a command did not reset.
const styleEnd = "\x1b[0m"

// Clean removes what moves the cursor or changes the terminal. Of a line that was
// overwritten with carriage returns it keeps the last text. Styles stay, and end with
// their line.
func Clean(text string) string {
	text = sequence.ReplaceAllStringFunc(text, func(found string) string {
		if style.MatchString(found) {
			return found
		}
		return ""
	})
	if !strings.ContainsFunc(text, isControl) {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		line = strings.Map(printable, line[strings.LastIndexByte(line, '\r')+1:])
		if end := strings.LastIndexByte(line, '\x1b'); end >= 0 && !strings.HasPrefix(line[end:], styleEnd) {
			line += styleEnd
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// Plain removes controls and styles.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, sequence.ReplaceAllString(text, ""))
}

// isControl reports whether a terminal interprets the character; C1 controls are included.
func isControl(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// printable drops control characters other than the escapes of styles.
func printable(r rune) rune {
	if isControl(r) && r != '\x1b' {
		return -1
	}
	return r
}

// Width returns how many columns text takes: wide characters take two, styles none.
func Width(text string) int { return displaywidth.String(sequence.ReplaceAllString(text, "")) }

// Cut shortens a text without styles to a width, with an ellipsis.
func Cut(text string, width int) string {
	switch {
	case width <= 0:
		return ""
	case displaywidth.String(text) <= width:
		return text
	}
	return displaywidth.TruncateString(text, width, "…")
}
