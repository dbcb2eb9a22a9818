package assets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/limits"
)

// output runs a command of the manifest and returns its trimmed output.
func (p *Publisher) output(ctx context.Context, args []string, dir, doing string) (string, error) {
	var out firstBytes
	err := p.run(ctx, args, dir, "", nil, &out, doing)
	if err == nil && out.more {
		err = errs.Failedf("%s: it printed more than the %s that a name may have", doing, limits.Size(maxName))
	}
	return strings.TrimSpace(string(out.kept)), err
}

// maxName bounds in bytes what a command prints as the name of a file or image.
const maxName = 64 << 10

// firstBytes is a writer that keeps the beginning of its input.
type firstBytes struct {
	kept []byte
	more bool // there was more
}

func (f *firstBytes) Write(p []byte) (int, error) {
	room := min(len(p), maxName-len(f.kept))
	f.kept, f.more = append(f.kept, p[:room]...), f.more || room < len(p)
	return len(p), nil
}

func (p *Publisher) run(ctx context.Context, args []string, dir, stdin string, env []string, out io.Writer, doing string) error {
	var said lastBytes
	shown := p.options.Out
	if out == io.Discard {
		shown = io.Discard // a check that fails is not an error to print
	}
	stderr := p.options.Redactor.Writer(io.MultiWriter(shown, &said))
	c := command.Command{Args: args, Dir: dir, Env: slices.Concat(p.options.Env, env), Limit: p.options.Limit, Stdout: out, Stderr: stderr}
	if out == p.options.Out {
		c.Stdout = stderr // one writer keeps the order
	}
	if stdin != "" {
		c.Stdin = strings.NewReader(stdin)
	}
	err := errors.Join(p.options.Runner.Run(ctx, c), stderr.Close())
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, err)
	}
	return errs.Failedf("%s: %s: %w", doing, said.line(), err)
}

// lastBytes is a writer that keeps the end of its input.
type lastBytes struct{ kept []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	l.kept = append(l.kept, p...)
	if extra := len(l.kept) - 4096; extra > 0 {
		l.kept = slices.Clone(l.kept[extra:])
	}
	return len(p), nil
}

// line returns the last line written.
func (l *lastBytes) line() string {
	text := strings.TrimSpace(string(l.kept))
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// lockedWriter is a writer for many goroutines.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
