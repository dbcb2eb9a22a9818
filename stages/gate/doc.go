// Package gate is the stage that waits until the gates of an environment open, before its
// lock is taken.
package gate
