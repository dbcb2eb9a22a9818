package screen_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

func TestInertTextShowsControlsAsText(t *testing.T) {
	for text, want := range map[string]string{
		"plain ümläut 日本 \t tab\n":            "plain ümläut 日本 \t tab\n",
		"\x1b[31mred\x1b[0m":                  "red",
		"\x1b]0;title\x07":                    `\x1b]0;title\x07`,
		"\x1b[2J\x1b[H":                       `\x1b[2J\x1b[H`,
		"a\rb\r\nc":                           "a\nb\nc",
		"\u009b31m":                           `\u009b31m`,
		"\x9b31m":                             `\x9b31m`,
		"\x7f\x00\x08":                        `\u007f\x00\x08`,
		"user\u202etxt.exe":                   `user\u202etxt.exe`,
		"\u2066isolate\u2069":                 `\u2066isolate\u2069`,
		"\x1b[38;2;1;2;3mx\x1b]8;;http://e\a": `x\x1b]8;;http://e\x07`,
		"half \xe2\x82":                       `half \xe2\x82`,
	} {
		assert.Equal(t, want, screen.Inert(text), "%q", text)
	}
}

func TestWhateverIsWrittenNothingReachesTheTerminalThatItObeys(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var text strings.Builder
		for range random.IntN(40) {
			switch random.IntN(4) {
			case 0:
				text.WriteByte(byte(random.IntN(256)))
			case 1:
				text.WriteRune(rune(random.IntN(0x300)))
			case 2:
				text.WriteString([]string{"\x1b[31m", "\x1b]0;x\x07", "\u202e", "\u009d", "\x1b[", "m"}[random.IntN(6)])
			default:
				text.WriteString("text")
			}
		}
		got := screen.Inert(text.String())
		require.True(t, utf8.ValidString(got), "%q", text.String())
		for _, r := range got {
			require.False(t, unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) && r > 0x2028, "%q: %q", text.String(), got)
		}
		require.Equal(t, got, screen.Inert(got), "twice is as once")
		var out strings.Builder
		n, err := screen.NewInertWriter(&out).Write([]byte(text.String()))
		require.NoError(t, err)
		require.Equal(t, text.Len(), n)
		require.Equal(t, got, out.String())
	}
}
