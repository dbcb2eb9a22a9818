// Package progress tells what goes on in a stage: as lines for people, as one
// JSON record an event in a pod, or on a terminal as one line a stack that
// changes in place. When nothing happens, it tells what is waited for.
//
// What is known is kept in a state that is turned into lines by a pure function
// of the state, the time and the size of the terminal.
package progress
