package pipelinerun

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnOutputTakesOneLine(t *testing.T) {
	for value, line := range map[string]string{
		"https://example.com/ä?x=1": "https://example.com/ä?x=1", "": "", "a b": "a b",
		"a\nb": `"a\nb"`, "a\rb": `"a\rb"`, "\x1b[31mred": `"\x1b[31mred"`, "a\tb": `"a\tb"`, "a\u2028b": `"a\u2028b"`, "\u202eabc": `"\u202eabc"`,
	} {
		assert.Equal(t, line, oneLine(value))
	}
}
