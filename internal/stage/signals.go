package stage

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/aphex/aphex-pipeline/internal/command"
)

// SignalContext returns a context that ends when the process is asked to stop: by
// SIGTERM, by Ctrl-C or Ctrl-\ on the terminal, or by the terminal that closes. A
// signal other than SIGTERM and SIGINT that the process was started to ignore, as
// nohup does with SIGHUP, stays ignored.
//
// A second Ctrl-C after it calls [command.Hurry].
//
// All programs call it first, so that it sets their umask as well.
func SignalContext() (ctx context.Context, stop context.CancelFunc) {
	tightenUmask()
	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGINT)
	ctx, cancel := signal.NotifyContext(context.Background(), signals...)
	ended := make(chan struct{})
	go hurry(ctx, again, ended)
	return ctx, sync.OnceFunc(func() {
		close(ended)
		signal.Stop(again)
		cancel()
	})
}

// sameKeystroke is how long a further SIGINT counts as the first: the terminal and a
// program such as npm may both send one.
const sameKeystroke = 300 * time.Millisecond

// hurry waits for another Ctrl-C after the signal that ended ctx. Commands are then killed
// instead of waited for.
func hurry(ctx context.Context, again <-chan os.Signal, ended <-chan struct{}) {
	<-ctx.Done()
	for until := time.After(sameKeystroke); ; {
		select {
		case <-ended:
			return
		case <-until:
			until = nil
		case <-again:
			if until == nil {
				command.Hurry()
				return
			}
		}
	}
}
