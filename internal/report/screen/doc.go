// Package screen keeps a few lines at the bottom of a terminal that update in
// place, while all other output scrolls above them.
//
// Each change is one write that hides the cursor, draws and shows the cursor
// again. A program that is killed between two of them leaves a usable terminal.
package screen
