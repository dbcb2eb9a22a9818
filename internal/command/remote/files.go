package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/remove"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Send copies a file or folder to its place at the server.
func (c *Client) Send(ctx context.Context, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	header := http.Header{}
	describe(header, info)
	return c.put(ctx, c.Place(path), header, func(ctx context.Context, w io.Writer) error {
		return send(ctx, w, path, info, command.Selection{})
	})
}

// SendFolder makes a folder of a tar at its place at the server.
func (c *Client) SendFolder(ctx context.Context, path string, content func(ctx context.Context, tar io.Writer) error) error {
	return c.MakeFolder(ctx, c.Place(path), content)
}

// MakeFolder makes a folder of a tar at a path of the server.
func (c *Client) MakeFolder(ctx context.Context, at string, content func(ctx context.Context, tar io.Writer) error) error {
	return c.put(ctx, at, http.Header{kindHeader: {aFolder}}, content)
}

// Has reports whether there is anything at a path of the server.
func (c *Client) Has(ctx context.Context, at string) (bool, error) {
	ctx, stop := context.WithTimeoutCause(ctx, c.options.patience.answer, errSilent)
	defer stop()
	response, err := c.call(ctx, "HEAD", "/files", url.Values{"path": {at}}, nil, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking for %q: %w", at, err)
	}
	return true, response.Body.Close()
}

// ReadFolder gives the tar of a folder of the server to read, which must not trust it.
func (c *Client) ReadFolder(ctx context.Context, from string, read func(tar io.Reader) error) error {
	ctx, progress, stop := c.watched(ctx)
	defer stop()
	response, err := c.call(ctx, "GET", "/files", url.Values{"path": {from}}, nil, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.Header.Get(kindHeader) != aFolder {
		return fmt.Errorf("%q is not a folder", from)
	}
	body := &transfer{from: response.Body, progress: progress}
	if err = read(body); err == nil {
		err = body.rest(response)
	}
	if body.failed != nil || err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return c.broken(ctx, body.failed)
	}
	if text := response.Trailer.Get(failedTrailer); text != "" {
		return reported(text, "")
	}
	return err
}

// put sends what content writes to a path of the server, once it writes something: it may
// take its time to begin.
func (c *Client) put(ctx context.Context, path string, header http.Header, content func(context.Context, io.Writer) error) error {
	var writing sync.WaitGroup
	defer writing.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from, to := io.Pipe()
	defer from.Close()
	writing.Go(func() {
		buffered := bufio.NewWriterSize(to, maxFrame)
		err := content(ctx, buffered)
		if err == nil {
			err = buffered.Flush()
		}
		if err != nil {
			to.CloseWithError(&ownError{err})
			return
		}
		to.Close()
	})
	begun := bufio.NewReader(from)
	_, err := begun.Peek(1)
	var own *ownError
	if errors.As(err, &own) {
		return fmt.Errorf("handing %q to the commands: %w", path, own.error)
	}
	ctx, progress, stop := c.watched(ctx)
	defer stop()
	response, err := c.call(ctx, "PUT", "/files", url.Values{"path": {path}}, header, &transfer{from: begun, progress: progress})
	if err != nil {
		return fmt.Errorf("handing %q to the commands: %w", path, err)
	}
	return response.Body.Close()
}

// ownError is an error of this side, which says nothing about the server.
type ownError struct{ error }

func (e *ownError) Unwrap() error { return e.error }

// Fetch copies a file or folder of the server to into.
func (c *Client) Fetch(ctx context.Context, from, into string, what command.Selection) (string, error) {
	if err := remove.All(into); err != nil {
		return "", errs.Writing(into, err)
	}
	if err := c.fetch(ctx, from, into, what); err != nil {
		return "", fmt.Errorf("taking %q from the commands: %w", from, err)
	}
	return into, nil
}

func (c *Client) fetch(ctx context.Context, from, into string, what command.Selection) error {
	ctx, progress, stop := c.watched(ctx)
	defer stop()
	response, err := c.call(ctx, "GET", "/files", url.Values{"path": {from}, "without": what.Without, "only": what.Only}, nil, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body := &transfer{from: response.Body, progress: progress}
	err = receive(ctx, body, response.Header, into, c.options.Limits, func() error { return body.rest(response) })
	if body.failed != nil || err != nil && errors.Is(context.Cause(ctx), errStalled) {
		return c.broken(ctx, body.failed)
	}
	if text := response.Trailer.Get(failedTrailer); text != "" { // what came then ends somewhere
		return reported(text, "")
	}
	return err
}

// watched returns a context that ends when a transfer stands still, and what to tell of its progress.
func (c *Client) watched(ctx context.Context) (_ context.Context, progress, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.options.patience.stall, func() { cancel(errStalled) })
	return ctx, func() { timer.Reset(c.options.patience.stall) }, func() { timer.Stop(); cancel(nil) }
}

var errStalled = errors.New("a transfer of files stood still")

// transfer is the content of files on its way.
type transfer struct {
	from     io.Reader
	progress func()
	failed   error // why reading ended, unless at its end
}

func (t *transfer) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.progress()
	if err != nil && !errors.Is(err, io.EOF) {
		t.failed = err
	}
	return n, err
}

// rest makes sure that nothing follows but the end, and that the other side got there without an error.
func (t *transfer) rest(response *http.Response) error {
	n, err := io.CopyN(io.Discard, t, maxText)
	switch {
	case err == nil:
		return fmt.Errorf("%d bytes and more follow what it sent", n)
	case !errors.Is(err, io.EOF):
		return err
	}
	if text := response.Trailer.Get(failedTrailer); text != "" {
		return reported(text, "")
	}
	return nil
}
