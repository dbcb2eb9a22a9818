// Package proc runs programs that must not outlive us: each in a process group
// of its own, which is stopped as a whole when the context ends, when a time
// limit passes, or when its leader exits and leaves others behind.
package proc
