//go:build !windows

package stage

import "syscall"

// tightenUmask lets nobody else write to what the process and its commands create: Argo
// starts the main container of a pod with umask 0. Others may read it, as the pieces of
// a Lambda function must be readable.
func tightenUmask() {
	syscall.Umask(syscall.Umask(0o077) | 0o022)
}
