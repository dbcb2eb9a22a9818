package remote

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/bucket/archive"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// patience is how long things may take.
type patience struct {
	dial   time.Duration // until the server is there: its container starts before ours
	answer time.Duration // until an answer begins
	stall  time.Duration // for which a transfer of files may stand still
	slack  time.Duration // that a command may take longer to end than agreed
}

var usualPatience = patience{dial: time.Minute, answer: 30 * time.Second, stall: time.Minute, slack: 30 * time.Second}

// Options say how to reach a server.
type Options struct {
	Address string // host:port, or the path of a Unix socket
	Secret  []byte // of the run, 32 bytes; nil makes one
	// Known says that an earlier client has given the server the secret. The server must
	// prove that it has it, and is not told it again before it does: meanwhile commands ran,
	// and one of them may listen in its place.
	Known bool
	// Limits bound what is fetched at once; zero values are those of archive.Limits.
	Limits archive.Limits

	patience patience // zero is the usual one
}

// Client runs commands at a server. It is a command.Runner.
type Client struct {
	options Options
	conn    *http.ClientConn
	root    string
	environ []string

	mu   sync.Mutex
	lost error // set when the connection is of no use any more
}

var (
	_ command.Runner = (*Client)(nil)
	_ command.Apart  = (*Client)(nil)
)

// Dial waits for the server, binds it, and checks that it knows the secret.
func Dial(ctx context.Context, o Options) (*Client, error) {
	if o.Secret == nil {
		o.Secret = make([]byte, secretBytes)
		_, _ = rand.Read(o.Secret) // never fails
	}
	if o.patience == (patience{}) {
		o.patience = usualPatience
	}
	if _, err := network(o.Address); err != nil {
		return nil, err
	}
	c := &Client{options: o}
	raw, err := Connect(ctx, o.Address, o.patience.dial)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	transport := &http.Transport{
		DialContext: once(raw), Protocols: cleartext2(), DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		HTTP2: &http.HTTP2Config{
			MaxReadFrameSize: 256 << 10, MaxReceiveBufferPerStream: 256 << 10, MaxReceiveBufferPerConnection: 4<<20 - 1,
			SendPingTimeout: 15 * time.Second, PingTimeout: 30 * time.Second,
		},
	}
	if c.conn, err = transport.NewClientConn(ctx, "http", "commands:80"); err == nil {
		err = c.bind(ctx)
	}
	if err != nil {
		_ = raw.Close()
		return nil, c.unreachable(ctx, err)
	}
	return c, nil
}

// once gives the one connection. There is no second one: whoever listens after it has ended may be anybody.
func once(conn net.Conn) func(context.Context, string, string) (net.Conn, error) {
	given := make(chan net.Conn, 1)
	given <- conn
	return func(context.Context, string, string) (net.Conn, error) {
		select {
		case conn := <-given:
			return conn, nil
		default:
			return nil, command.ErrGone
		}
	}
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errs.Failedf("the server that runs the commands, at %s, cannot be used: %w", c.options.Address, withGone(err)).
		WithHint("it is the container \"commands\" of this pod; its image must contain the program commands: kubectl logs POD -c commands")
}

// withGone makes an error one that wraps command.ErrGone.
func withGone(err error) error {
	if errors.Is(err, command.ErrGone) {
		return err
	}
	return &goneError{err}
}

// goneError is the cause of a lost connection, under the name of all such causes.
type goneError struct{ cause error }

func (e *goneError) Error() string   { return e.cause.Error() }
func (e *goneError) Unwrap() []error { return []error{command.ErrGone, e.cause} }

// bind makes the secret that of the server, which proves first that it has it if it is known
// there.
func (c *Client) bind(ctx context.Context) error {
	if c.options.Known {
		if _, err := c.challenge(ctx, provePath); err != nil {
			return err
		}
	}
	answer, err := c.challenge(ctx, bindPath)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(answer.Root) || strings.ContainsRune(answer.Root, 0) {
		return fmt.Errorf("it names %q as its folder", shown(answer.Root))
	}
	c.root, c.environ = filepath.Clean(answer.Root), toTexts(answer.Environ)
	return nil
}

// challenge makes a request whose answer proves that the server has the secret.
func (c *Client) challenge(ctx context.Context, path string) (answer bindAnswer, err error) {
	challenge := make([]byte, challengeBytes)
	_, _ = rand.Read(challenge)
	body, err := json.Marshal(bindRequest{challenge})
	if err != nil {
		return answer, err
	}
	data, err := c.whole(ctx, "POST", path, nil, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return answer, fmt.Errorf("it answered a binding with something else: %w", err)
	}
	if !hmac.Equal(answer.Proof, proof(c.options.Secret, challenge)) {
		return answer, errors.New("it does not know the secret of this run")
	}
	return answer, nil
}

// Close ends the connection, and with it what still runs there.
func (c *Client) Close() error {
	_ = c.give(errors.New("it was closed"))
	return nil
}

// Environ returns the server's own environment.
func (c *Client) Environ() []string { return c.environ }

// Place returns the path below the server's root.
func (c *Client) Place(path string) string {
	if c.root == "/" {
		return path
	}
	return filepath.Join(c.root, path)
}

// LookPath searches the server's PATH.
func (c *Client) LookPath(program string) (string, error) {
	path, err := c.whole(context.Background(), "GET", "/look", url.Values{"program": {program}}, nil)
	return string(path), err
}

// whole makes a request and reads its answer as a whole.
func (c *Client) whole(ctx context.Context, method, path string, query url.Values, body io.Reader) ([]byte, error) {
	ctx, stop := context.WithTimeoutCause(ctx, c.options.patience.answer, errSilent)
	defer stop()
	response, err := c.call(ctx, method, path, query, nil, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, c.broken(ctx, err)
	case len(data) > maxAnswer:
		return nil, c.broken(ctx, fmt.Errorf("it answered with more than %d bytes", maxAnswer))
	}
	return data, nil
}

var errSilent = errors.New("it does not answer")

// call makes a request and returns its answer, which says that it succeeded.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	if err := c.usable(); err != nil {
		return nil, err
	}
	target := url.URL{Scheme: "http", Host: "commands", Path: path, RawQuery: query.Encode()}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		request.Header = header
	}
	if path != provePath {
		request.Header.Set(secretHeader, hex.EncodeToString(c.options.Secret))
	}
	response, err := c.conn.RoundTrip(request)
	var own *ownError
	switch {
	case errors.As(err, &own):
		return nil, own.error
	case err != nil:
		return nil, c.broken(ctx, err)
	}
	refused, err := answered(response)
	switch {
	case err != nil:
		_ = response.Body.Close()
		return nil, c.broken(ctx, err)
	case refused != nil:
		_ = response.Body.Close()
		return nil, refused
	}
	return response, nil
}

func (c *Client) usable() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// broken says that an answer ended for a reason that is not ctx's own: then nothing
// more is done with the server.
func (c *Client) broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
			return cause
		}
		err = cause
	}
	return c.give(err)
}

// give gives the connection up, for the first reason that there is.
func (c *Client) give(why error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		c.lost = errs.Failedf("the container that runs the commands is gone, or not what it was: %w", withGone(why)).
			WithHint("a command may have ended it, or its memory limit did: kubectl logs POD -c commands --previous; kubectl describe pod POD")
		_ = c.conn.Close()
	}
	return c.lost
}
