//go:build !windows

package stage_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/aphex/aphex-pipeline/internal/stage"
)

func TestATerminalThatClosesStopsLikeSIGTERM(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			continue
		}
		ctx, stop := stage.SignalContext()
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
			t.Errorf("%v did not stop the program", s)
		}
		stop()
	}
}

func TestWhatNohupIgnoresStaysIgnored(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Reset(syscall.SIGHUP)
	ctx, stop := stage.SignalContext()
	defer stop()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ctx.Done():
		t.Error("SIGHUP stopped a program that nohup started")
	case <-time.After(50 * time.Millisecond):
	}
}
