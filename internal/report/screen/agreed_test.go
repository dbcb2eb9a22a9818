package screen_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

func TestOnlyAYesAgrees(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, " YES \r\n": true, "n\n": false, "\n": false, "yes please\n": false, "": false, "y": true} {
		in, out, err := os.Pipe()
		require.NoError(t, err)
		_, err = out.WriteString(answer)
		require.NoError(t, err)
		require.NoError(t, out.Close())
		agreed, err := screen.Agreed(t.Context(), in)
		require.NoError(t, err)
		assert.Equal(t, want, agreed, "%q", answer)
	}
}

func TestAQuestionEndsWithItsContext(t *testing.T) {
	in, out, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	_, err = screen.Agreed(ctx, in)
	require.ErrorIs(t, err, context.Canceled)
}
