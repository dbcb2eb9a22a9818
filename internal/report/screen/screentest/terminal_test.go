package screentest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestASequenceMayComeInPieces(t *testing.T) {
	whole := "a\x1b[?7lé\x1b[2Kb\x1b[?25h"
	for cut := range len(whole) {
		terminal := New(80, 24)
		_, _ = terminal.Write([]byte(whole[:cut]))
		_, _ = terminal.Write([]byte(whole[cut:]))
		assert.Empty(t, terminal.Unknown, "%q", whole[:cut])
		assert.True(t, terminal.NoWrap)
		assert.Equal(t, "  b", terminal.Text(), "%q", whole[:cut])
	}
}
