// Package proc runs commands as processes that do not outlive this one: each in its own
// process group, which is stopped as a whole when the context ends, when the time limit
// passes, or when its leader exits before the others.
package proc
