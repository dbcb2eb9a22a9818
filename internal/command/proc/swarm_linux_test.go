package proc_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
)

const (
	// swarming is the variable that makes this program a swarm: its kind, and a pipe that all of it
	// hold open.
	swarming = "PROC_TEST_SWARM"
	// generations limits a swarm that nobody ends.
	generations = 20_000
	// PR_SET_CHILD_SUBREAPER of prctl(2).
	prSetChildSubreaper = 36
)

// swarms are processes that try to outlive who ends them. They are forks without Go's runtime,
// and make raw calls alone.
var swarms = map[string]func(){
	"one that is never the same":      flee,
	"many that are never the same":    fleeTogether,
	"two that bring each other back":  reviveEachOther,
	"a tree that adopts its own dead": adoptOwn,
}

//go:norace
func fork() (child bool) {
	pid, _, _ := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	return pid == 0
}

//go:norace
func exit() { _, _, _ = syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0) }

// all are all signals.
var all = ^uint64(0)

// deafen blocks all signals that can be blocked, also for later forks.
//
//go:norace
func deafen() {
	_, _, _ = syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, 0, uintptr(unsafe.Pointer(&all)), 0, 8, 0, 0)
}

//go:norace
func newSession() { _, _, _ = syscall.RawSyscall(syscall.SYS_SETSID, 0, 0, 0) }

//go:norace
func parent() uintptr {
	pid, _, _ := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	return pid
}

//go:norace
func yield() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }

// flee is a process that is another one at each moment.
//
//go:norace
func flee() {
	for range generations {
		if !fork() {
			exit()
		}
		newSession()
	}
}

//go:norace
func fleeTogether() {
	for range 5 {
		if fork() {
			flee()
		}
	}
}

// reviveEachOther is a process and its child: the child makes another child when its parent is
// gone, and the parent makes one after the other.
//
//go:norace
func reviveEachOther() {
	newSession()
	for range generations {
		before := parent()
		if !fork() {
			for parent() == before {
				yield()
			}
			continue
		}
		newSession()
		for above := parent(); parent() == above; {
			yield()
		}
	}
}

//go:norace
func adoptOwn() {
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetChildSubreaper, 1, 0)
	newSession()
	for range 5 {
		if fork() {
			newSession()
			if !fork() {
				exit() // its child is that of the one who adopts
			}
			break
		}
	}
	for range 1000 * generations {
		yield()
	}
}

// TestNoSwarmOutlivesItsCommand runs swarms that are deaf to SIGTERM. Each holds a pipe
// open, whose end shows that all of it is gone.
func TestNoSwarmOutlivesItsCommand(t *testing.T) {
	if kind, pipe, is := strings.Cut(os.Getenv(swarming), " in "); is {
		begin(kind, pipe)
		return
	}
	for kind := range swarms {
		t.Run(strings.ReplaceAll(kind, " ", "_"), func(t *testing.T) {
			pipe := filepath.Join(t.TempDir(), "pipe")
			require.NoError(t, syscall.Mkfifo(pipe, 0o600))
			held, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			require.NoError(t, err)
			defer held.Close()
			began := time.Now()
			require.NoError(t, proc.Runner{}.Run(t.Context(), command.Command{
				Args: []string{os.Args[0], "-test.run=^TestNoSwarmOutlivesItsCommand$"}, Env: append(os.Environ(), swarming+"="+kind+" in "+pipe),
			}))
			t.Logf("it took %s", time.Since(began).Round(time.Millisecond))
			require.NoError(t, held.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
			text, err := io.ReadAll(held)
			assert.Equal(t, "it runs", string(text))
			assert.False(t, errors.Is(err, os.ErrDeadlineExceeded), "a part of it still runs")
		})
	}
}

// begin leaves a swarm behind.
func begin(kind, pipe string) {
	file, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	_, _ = file.WriteString("it runs")
	run := swarms[kind]
	if fork() {
		deafen()
		run()
		exit()
	}
}
