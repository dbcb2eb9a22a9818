package proc

import "syscall"

// attributes puts a program in a group of its own, and asks it to stop when this
// process dies without stopping it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
