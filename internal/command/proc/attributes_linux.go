package proc

import "syscall"

// attributes puts a program in its own process group, and has it signalled if this
// process dies first.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
