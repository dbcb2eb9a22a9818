package remote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// defaultGrace is the server's time between SIGTERM and SIGKILL when none is given.
const defaultGrace = 10 * time.Second

// Run runs a command at the server.
func (c *Client) Run(ctx context.Context, cmd command.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(cmd.Args) == 0 {
		return errors.New("no program given")
	}
	request := runRequest{
		ID: rand.Text(), Args: toBytes(cmd.Args), Dir: []byte(cmd.Dir), Env: toBytes(cmd.Env), Input: cmd.Stdin != nil, Grace: cmd.Grace, Limit: cmd.Limit,
		Output: output{Stdout: cmd.Stdout != nil, Stderr: cmd.Stderr != nil, Merged: cmd.Stdout != nil && same(cmd.Stdout, cmd.Stderr)},
	}
	body, err := bodyOf(request, cmd.Stdin)
	if err != nil {
		return err
	}
	alive, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)
	stopped := c.supervise(ctx, cmd, request.ID, abort)
	end, writing, err := c.follow(alive, body, cmd)
	stopped()
	switch {
	case ctx.Err() != nil && (err != nil || end.Cancelled):
		return ctx.Err()
	case err != nil:
		return err
	case end.Cancelled:
		return c.give(errors.New("it stopped a command that it was not asked to stop"))
	case end.Limit:
		return &command.LimitError{Args: cmd.Args, Limit: cmd.Limit}
	case end.Failed != "":
		return reported(end.Failed, end.Cause)
	case end.Code != 0 || end.Signal != "":
		return &command.ExitError{Code: end.Code, Signal: shown(end.Signal), Args: cmd.Args}
	case writing != nil:
		return fmt.Errorf("writing the output of %q: %w", cmd.Args[0], writing)
	}
	return nil
}

// same reports whether both outputs are one writer.
func same(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}

func bodyOf(request runRequest, input io.Reader) (io.Reader, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if len(data) > maxRequest {
		return nil, fmt.Errorf("the arguments and variables have %d bytes; the limit is %d", len(data), maxRequest)
	}
	head := bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...))
	if input == nil {
		return head, nil
	}
	from, to := io.Pipe() // whose end does not wait for an input that never comes
	go func() {
		_, err := io.Copy(to, head)
		if err == nil {
			_, _ = io.Copy(to, input) // one that fails ends there
		}
		_ = to.Close()
	}()
	return from, nil
}

// supervise has the command stopped when ctx ends, and gives the server up when it
// does not stop one in time, be it then or at the limit. The function that it returns
// ends it.
func (c *Client) supervise(ctx context.Context, cmd command.Command, id string, abort context.CancelCauseFunc) (end func()) {
	ended := make(chan struct{})
	grace := cmp.Or(cmd.Grace, defaultGrace) + c.options.patience.slack
	var limit <-chan time.Time
	if cmd.Limit > 0 {
		timer := time.NewTimer(cmd.Limit + grace)
		limit = timer.C
	}
	go func() {
		select {
		case <-ended:
			return
		case <-limit:
			abort(errors.New("it did not stop a command at its limit"))
			return
		case <-ctx.Done():
		}
		if _, err := c.whole(context.WithoutCancel(ctx), "POST", "/stop", url.Values{"id": {id}}, nil); err != nil {
			abort(context.Canceled) // the end of the request stops it, too
			return
		}
		select {
		case <-ended:
		case <-time.After(grace):
			abort(errors.New("it did not stop a command when it was asked to"))
		}
	}()
	return func() { close(ended) }
}

// follow makes the request and hands on the output until the command ends. An error
// of a writer stops nothing.
func (c *Client) follow(ctx context.Context, body io.Reader, cmd command.Command) (end exit, writing, err error) {
	begun, silent := context.WithCancelCause(ctx)
	defer silent(nil)
	patience := time.AfterFunc(c.options.patience.answer, func() { silent(errSilent) })
	response, err := c.call(begun, "POST", "/run", nil, nil, body)
	patience.Stop()
	if err != nil {
		return end, nil, err
	}
	defer response.Body.Close()
	sinks := map[byte]*sink{stdoutFrame: {to: cmd.Stdout}, stderrFrame: {to: cmd.Stderr}}
	buffer := make([]byte, maxFrame)
	for {
		kind, content, err := readFrame(response.Body, buffer)
		if err != nil {
			return end, nil, c.broken(begun, err)
		}
		if kind != exitFrame {
			sinks[kind].write(content)
			continue
		}
		if err := json.Unmarshal(content, &end); err != nil {
			return end, nil, c.broken(begun, fmt.Errorf("%w: %w", errFrame, err))
		}
		return end, errors.Join(sinks[stdoutFrame].failed, sinks[stderrFrame].failed), nil
	}
}

// sink is a writer of the caller, up to its first error.
type sink struct {
	to     io.Writer
	failed error
}

func (s *sink) write(p []byte) {
	if s.to != nil && s.failed == nil {
		_, s.failed = s.to.Write(p)
	}
}
