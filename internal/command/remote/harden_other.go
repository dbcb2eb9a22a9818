//go:build !linux

package remote

// Harden does nothing: containers are a matter of Linux.
func Harden() error { return nil }
