package remote

import (
	"fmt"
	"syscall"
)

const prSetDumpable = 4 // PR_SET_DUMPABLE of prctl(2)

// Harden keeps other processes of the same user from reading this process's memory,
// environment and files in /proc, and from tracing it. It holds until exec, so that
// programs that are started from here are not affected. It is called before the
// secret comes.
func Harden() error {
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetDumpable, 0, 0, 0, 0, 0); err != 0 {
		return fmt.Errorf("protecting the memory of this process: %w", err)
	}
	return nil
}
