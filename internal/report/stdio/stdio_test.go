package stdio_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/stdio"
)

// Names come from repositories and clusters of others.
func TestNoControlCharacterReachesTheTerminalAndDocumentsAreExact(t *testing.T) {
	var out, log bytes.Buffer
	std := stdio.Streams{Out: &out, Err: &log}
	const name, shown = "dev\x1b]0;owned\x07\u202e", `dev\x1b]0;owned\x07\u202e`
	fmt.Fprint(std.Inert().Out, name)
	fmt.Fprint(std.Inert().Err, name)
	assert.Equal(t, shown+shown, out.String()+log.String())
	out.Reset()
	require.NoError(t, stdio.Raw(std).Print([]byte(name), nil))
	assert.Equal(t, name, out.String(), "for a program")
	out.Reset()
	require.NoError(t, stdio.Raw(std).PrintJSON(map[string]string{"a": "<b>"}))
	assert.Equal(t, "{\n  \"a\": \"<b>\"\n}\n", out.String())
}

func TestAQuestionNeedsATerminalOrYes(t *testing.T) {
	var out, log bytes.Buffer
	std := stdio.Streams{In: strings.NewReader("y\n"), Out: &out, Err: &log}
	err := std.Ask(t.Context(), "\nContinue?", stdio.Unchanged, false)
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.Equal(t, "use --yes to confirm: Continue?", errs.HintOf(err))
	require.NoError(t, std.Ask(t.Context(), "Continue?", stdio.Unchanged, true))
	assert.Empty(t, out.String()+log.String())
}
