// Package proc runs commands as processes that do not outlive this one: each in its own
// process group, which is stopped as a whole when the context ends, when the time limit
// passes, or when its leader exits before the others. On Linux, processes that left the
// group, by a session of their own or a double fork, are found and stopped, too.
package proc
