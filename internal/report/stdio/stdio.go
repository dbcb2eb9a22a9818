// Package stdio has the standard streams of a program that people and other programs read.
package stdio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// Streams are the standard streams: results go to Out, everything else to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Unchanged is the outcome of a verb that asks before it changes anything.
const Unchanged = "nothing was changed"

// Ask asks a yes-or-no question on the terminal, unless the flag --yes has answered it. The
// outcome is what a person reads who declines, which is an error.
func (s Streams) Ask(ctx context.Context, question, outcome string, yes bool) error {
	if yes {
		return nil
	}
	terminal := screen.Terminal(s.In)
	if terminal == nil {
		return errs.Invalidf("cannot prompt: stdin is not a terminal").WithHint("use --yes to confirm: %s", strings.TrimSpace(question))
	}
	fmt.Fprintf(s.Err, "%s [y/N] ", question)
	agreed, err := screen.Agreed(ctx, terminal)
	if err == nil && !agreed {
		return errs.Failedf("declined; %s", outcome)
	}
	return err
}

// Inert returns streams for text that has names, subjects and values of others: a
// terminal only shows them.
func (s Streams) Inert() Streams {
	return Streams{s.In, screen.NewStyledWriter(s.Out), screen.NewStyledWriter(s.Err)}
}

// Raw are the streams as they are: for a verb that draws on the terminal itself, and for
// documents that programs read.
type Raw Streams

// Document returns where a document goes: as it is to a program, inert to a terminal.
func (s Raw) Document() io.Writer {
	if screen.Terminal(s.Out) != nil {
		return screen.NewInertWriter(s.Out)
	}
	return s.Out
}

// Print prints a document that was made without an error.
func (s Raw) Print(text []byte, err error) error {
	if err == nil {
		_, err = s.Document().Write(text)
	}
	return err
}

// PrintJSON prints a value as a JSON document.
func (s Raw) PrintJSON(value any) error {
	encoder := json.NewEncoder(s.Document())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
