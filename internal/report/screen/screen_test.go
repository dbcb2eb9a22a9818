package screen_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
	"github.com/aphex/aphex-pipeline/internal/report/screen/screentest"
)

// show makes a screen on a terminal that the test can read.
func show(width, height int) (*screen.Screen, *screentest.Terminal) {
	terminal := screentest.New(width, height)
	return screen.New(terminal, func() (int, int) { return terminal.Width, terminal.Height }, true), terminal
}

func write(t *testing.T, s *screen.Screen, text string) {
	t.Helper()
	n, err := io.WriteString(s, text)
	require.NoError(t, err)
	require.Equal(t, len(text), n)
}

func TestTextScrollsAboveTheLinesAtTheBottom(t *testing.T) {
	s, terminal := show(40, 10)
	write(t, s, "before\n")
	s.Draw([]string{"Api  creating", "Data waits"})
	write(t, s, "one\ntwo")
	assert.Equal(t, "before\none\nApi  creating\nData waits", terminal.Text(), "a line shows when it is complete")
	write(t, s, " is whole\n")
	s.Draw([]string{"Api  done", "Data waits"})
	assert.Equal(t, "before\none\ntwo is whole\nApi  done\nData waits", terminal.Text())
	write(t, s, "half a line")
	s.Finish([]string{"Api  done", "Data done"})
	write(t, s, "after\n")
	assert.Equal(t, "before\none\ntwo is whole\nhalf a line\nApi  done\nData done\nafter", terminal.Text())
	assert.Empty(t, terminal.Unknown)
}

func TestTheCursorIsVisibleAndWrappingOnAfterEachWrite(t *testing.T) {
	s, terminal := show(20, 5)
	for _, step := range []func(){
		func() { s.Draw([]string{"a", "b"}) },
		func() { write(t, s, "text\n") },
		func() { s.Draw([]string{"a", "c"}) },
		func() { s.Draw([]string{"a"}) },
		func() { s.Finish(nil) },
	} {
		step()
		assert.False(t, terminal.Hidden)
		assert.False(t, terminal.NoWrap)
		column, below := terminal.Cursor()
		assert.Zero(t, column)
		assert.Zero(t, below, "the cursor is below the last line")
	}
	assert.Equal(t, "text", terminal.Text())
}

func TestAThousandLinesOfTextLeaveNoTraceOfTheLinesBelow(t *testing.T) {
	s, terminal := show(30, 8)
	var want []string
	for i := range 1000 {
		s.Draw([]string{fmt.Sprint("tick ", i), strings.Repeat("wide ", 10)})
		text := strings.Repeat("x", i%29)
		write(t, s, text+"\n")
		want = append(want, text)
	}
	s.Finish([]string{"end"})
	assert.Equal(t, append(want, "end"), terminal.Lines())
}

func TestOutputOfCommandsCannotMoveTheCursor(t *testing.T) {
	s, terminal := show(40, 10)
	s.Draw([]string{"live"})
	write(t, s, "10%\r50%\r100% done\r\n\x1b[2A\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2Kpl\bain\n")
	assert.Equal(t, "100% done\nred plain\nlive", terminal.Text())
	assert.Empty(t, terminal.Unknown)
}

func TestALineBeforeTheFirstDrawIsNotOverwritten(t *testing.T) {
	s, terminal := show(40, 10)
	write(t, s, "no end")
	s.Draw([]string{"live"})
	assert.Equal(t, "no end\nlive", terminal.Text())
}

func TestANarrowerTerminalHasWrappedTheLinesOntoMoreRows(t *testing.T) {
	s, terminal := show(40, 12)
	write(t, s, "kept\n")
	s.Draw([]string{strings.Repeat("a", 35), "b"})
	// The terminal's rows after its window is narrowed to 20 columns.
	reflowed := screentest.New(20, 12)
	fmt.Fprintf(reflowed, "kept\n%s\nb\n", strings.Repeat("a", 35))
	*terminal = *reflowed
	s.Draw([]string{"a", "b"})
	assert.Equal(t, "kept\na\nb", terminal.Text())
}

func TestNoMoreLinesAreDrawnThanTheTerminalHasRows(t *testing.T) {
	s, terminal := show(40, 4)
	write(t, s, "text\n")
	for i := range 3 {
		s.Draw([]string{"1", "2", "3", "4", fmt.Sprint(i)})
	}
	assert.Equal(t, "text\n1\n2\n3", terminal.Text())
}

func TestOnlyACapableTerminalIsAScreen(t *testing.T) {
	master, terminal, err := pty.Open()
	require.NoError(t, err)
	t.Cleanup(func() { _ = master.Close(); _ = terminal.Close() })
	require.NoError(t, pty.Setsize(terminal, &pty.Winsize{Rows: 30, Cols: 100}))
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	set := func(name, ci, noColor string) {
		t.Setenv("TERM", name)
		t.Setenv("CI", ci)
		t.Setenv("NO_COLOR", noColor)
	}
	set("xterm", "", "")
	assert.Nil(t, screen.On(file))
	assert.Nil(t, screen.On(io.Discard))
	s := screen.On(terminal)
	require.NotNil(t, s)
	width, height := s.Size()
	assert.Equal(t, [2]int{100, 30}, [2]int{width, height})
	assert.True(t, s.Color())
	set("xterm", "false", "1")
	assert.False(t, screen.On(terminal).Color())
	set("dumb", "", "")
	assert.Nil(t, screen.On(terminal))
	set("", "", "")
	assert.Nil(t, screen.On(terminal))
	set("xterm", "true", "")
	assert.Nil(t, screen.On(terminal))
}

func TestNoControlCharacterOfACommandReachesTheTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"a\x07b\x0e\x0f\x7fc":                     "abc",
		"csi \u009b2Jlost, osc \u009d0;t\u009c":   "csi 2Jlost, osc 0;t",
		"\x1bP1$r0m\x1b\\dcs \x1b_apc\x1b\\end":   "dcs end",
		"\x1b]0;no end\nnext":                     "0;no end\nnext",
		"\x1b(0charset \x1b#8\x1bcreset":          "charset reset",
		"\x1b\x1b[2J[2Jtwice":                     "[2J[2Jtwice",
		"\x1b[31mred\x1b[0m":                      "\x1b[31mred\x1b[0m",
		"\x1b[41mleft on\nnext":                   "\x1b[41mleft on\x1b[0m\nnext",
		"50%\r\x1b[Kdone\tnow":                    "done\tnow",
		"wide 日本 \U0001F680 and e\u0301 combined": "wide 日本 \U0001F680 and e\u0301 combined",
	} {
		assert.Equal(t, want, screen.Clean(text), "%q", text)
		assert.Equal(t, want, screen.Clean(screen.Clean(text)), "cleaned twice")
		assert.NotRegexp(t, `[[:cntrl:]]`, screen.Plain(text))
		assert.NotContains(t, screen.Plain(text), "[31m")
	}
}

func TestWideCharactersTakeTwoColumns(t *testing.T) {
	assert.Equal(t, 9, screen.Width("\x1b[1m日本\x1b[0m e\u0301 \U0001F680"))
	assert.Equal(t, "日本…", screen.Cut("日本語です", 6))
	assert.Equal(t, "日…", screen.Cut("日本語です", 4))
	assert.Equal(t, "…", screen.Cut("日本語です", 1))
	assert.Empty(t, screen.Cut("日", 0))
	s, terminal := show(12, 6)
	write(t, s, "kept\n")
	s.Draw([]string{"日本語です", "b"})
	reflowed := screentest.New(6, 6) // a narrower window wraps the first line onto a second row
	fmt.Fprint(reflowed, "kept\n日本語です\nb\n")
	*terminal = *reflowed
	s.Draw([]string{"a", "b"})
	assert.Equal(t, "kept\na\nb", terminal.Text())
}
