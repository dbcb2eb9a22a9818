//go:build !linux && !windows

package proc

import "syscall"

// attributes puts a program in its own process group.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
