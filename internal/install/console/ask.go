package console

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// Unchanged is the outcome of a verb that asks before it changes anything.
const Unchanged = "nothing was changed"

// Ask asks a yes-or-no question on the terminal in, and prints it to w. The outcome is what
// a person reads who declines, which is an error.
func Ask(ctx context.Context, in io.Reader, w io.Writer, question, outcome string) error {
	terminal := screen.Terminal(in)
	if terminal == nil {
		return errs.Invalidf("cannot prompt: stdin is not a terminal").WithHint("use --yes to confirm: %s", strings.TrimSpace(question))
	}
	fmt.Fprintf(w, "%s [y/N] ", question)
	agreed, err := screen.Agreed(ctx, terminal)
	if err == nil && !agreed {
		return errs.Failedf("declined; %s", outcome)
	}
	return err
}
