// Package schedule runs named pieces of work that depend on each other, a
// bounded number at a time. A failure starts nothing new, but what already
// runs is left to finish: stopping to watch a stack does not stop the stack.
package schedule
