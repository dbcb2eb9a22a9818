package pipelinerun

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// written is a log: records and plain text, the last line without a newline.
const written = `{"time":"2026-11-26T12:00:00Z","level":"INFO","msg":"checked out","commit":"abc","files":3}
{"level":"WARN","msg":"old","hint":""}
{"level":"ERROR","msg":"refused","kind":"invalid"}
{"level":"INFO","msg":"npm: done","source":"command","stream":"stdout"}
plain text
{"no":"message"}
the end`

// log writes it to the log of a step and returns what the console shows and the file holds.
func log(t *testing.T, c *console) (file string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "logs")
	step, err := c.opener(dir)("build")
	require.NoError(t, err)
	for rest := written; rest != ""; {
		n := min(7, len(rest))
		_, err := step.Write([]byte(rest[:n]))
		require.NoError(t, err)
		rest = rest[n:]
	}
	require.NoError(t, step.Close())
	text, err := os.ReadFile(filepath.Join(dir, "build.log"))
	require.NoError(t, err)
	return string(text)
}

func TestTheLinesOfAStepArePrintedFormattedAndKeptAsTheyAre(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out)
	c.width = 8
	assert.Equal(t, written, log(t, c))
	assert.Equal(t, `  build    │ checked out  commit=abc files=3
  build    │ warning: old
  build    │ error: refused
  build    │ npm: done
  build    │ plain text
  build    │ {"no":"message"}
  build    │ the end
`, out.String())
}

func TestInJSONEveryLineIsARecordOfItsStep(t *testing.T) {
	var out bytes.Buffer
	c := newConsole(&out)
	c.json = true
	c.notef("for people only")
	log(t, c)
	c.handedOver("shop-1", "shop-1-h")
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, strings.Count(written, "\n")+2)
	var messages []any
	for i, line := range lines {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record), line)
		if i < len(lines)-1 {
			assert.Equal(t, "build", record["step"])
		}
		messages = append(messages, record["msg"])
	}
	assert.Equal(t, []any{"checked out", "old", "refused", "npm: done", "plain text", `{"no":"message"}`, "the end", "run handed over"}, messages)
}
