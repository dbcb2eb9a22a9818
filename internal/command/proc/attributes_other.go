//go:build !linux

package proc

import "syscall"

// attributes puts a program in a group of its own.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
