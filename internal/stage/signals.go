package stage

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// SignalContext returns a context that ends when the process is asked to stop: by
// SIGTERM, by Ctrl-C or Ctrl-\ on the terminal, or by the terminal that closes. A
// signal other than SIGTERM and SIGINT that the process was started to ignore, as
// nohup does with SIGHUP, stays ignored.
func SignalContext() (ctx context.Context, stop context.CancelFunc) {
	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signals = append(signals, s)
		}
	}
	return signal.NotifyContext(context.Background(), signals...)
}
