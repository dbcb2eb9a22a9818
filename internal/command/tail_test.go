package command_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// numbered returns lines that begin with a text, from 1 to n.
func numbered(text string, n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprint(text, i+1))
	}
	return lines
}

func TestTheEndOfAnOutputIsThatWhichSaysWhatIsWrong(t *testing.T) {
	join := func(lines ...[]string) string {
		var all []string
		for _, some := range lines {
			all = append(all, some...)
		}
		return strings.Join(all, "\n")
	}
	npm := append([]string{"npm error code EUSAGE", "npm error", "npm error no package-lock.json"}, numbered("npm error usage ", 100)...)
	shortened := join(npm[:10], []string{"…"}, npm[len(npm)-9:])
	long := strings.Repeat("x", 5000)
	for _, c := range []struct{ what, output, last string }{
		{"nothing", "", ""},
		{"a short output", "a\nb\n\n", "a\nb"},
		{"the last lines", join(numbered("line ", 30)), join(numbered("line ", 30)[10:])},
		{"the end of a long line", long, long[len(long)-4096:]},
		{"whole lines", long + "\nthe end", "the end"},
		{"a long message", join(numbered("built ", 5), npm) + "\n", shortened},
		{"a short message after an output", join(numbered("built ", 30), npm[:3]), join(numbered("built ", 30)[13:], npm[:3])},
		{"a message that is too long", join([]string{"npm error " + long}, npm), join(npm[len(npm)-20:])},
		{"a message that is not the last", join(npm, []string{"make: failed"}), join(npm[len(npm)-19:], []string{"make: failed"})},
		{"a log whose lines are alike", join(numbered("app info ", 30)), join(numbered("app info ", 30)[10:])},
	} {
		var tail command.Tail
		_, _ = tail.Write([]byte(c.output))
		assert.Equal(t, c.last, tail.Last(), c.what)
	}
}
