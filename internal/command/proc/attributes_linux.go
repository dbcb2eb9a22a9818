package proc

import "syscall"

// attributes start a program as the leader of a new session, and so of a new process
// group, and let SIGTERM stop it if this process dies without stopping it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
}
