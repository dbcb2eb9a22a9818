package checkout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var (
	errSilent = errors.New("the git server has sent nothing for too long")
	errLate   = errors.New("the checkout has taken too long")
	errBroken = errors.New("the connection to the git server broke")
)

// maxAnswer is the largest list of references accepted from a server, in bytes.
const maxAnswer = 256 << 20

// watchdog cancels a context when the server is silent for longer than patience. It is an
// http.RoundTripper that observes every byte received.
type watchdog struct {
	next     http.RoundTripper
	timer    *time.Timer
	patience time.Duration
	most     int64 // bytes of a response to GET
}

func newWatchdog(ctx context.Context, next http.RoundTripper, patience time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(patience, func() { cancel(errSilent) })
	return ctx, &watchdog{next: next, timer: timer, patience: patience, most: maxAnswer}
}

// RoundTrip watches the response to one request.
func (d *watchdog) RoundTrip(request *http.Request) (*http.Response, error) {
	d.timer.Reset(d.patience)
	response, err := d.next.RoundTrip(request)
	if err != nil {
		d.timer.Stop()
		return nil, err
	}
	d.timer.Reset(d.patience)
	var body io.Reader = response.Body
	if request.Method == http.MethodGet {
		body = io.LimitReader(body, d.most)
	}
	response.Body = watched{body, response.Body, d}
	return response, nil
}

// watched is a response of the server. Its end stops the watchdog: what follows is local
// work.
type watched struct {
	io.Reader
	io.Closer
	dog *watchdog
}

func (w watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	switch {
	case err != nil:
		w.dog.timer.Stop()
	case n > 0:
		w.dog.timer.Reset(w.dog.patience)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%w: %w", errBroken, err)
	}
	return n, err
}
