// Package progress reports the progress of a stage: as lines for people, as one
// JSON record per event in a pod, or on a terminal as one line per stack that
// updates in place. When nothing happens, it reports what it waits for.
//
// The state is turned into lines by a pure function of the state, the time and
// the size of the terminal.
package progress
