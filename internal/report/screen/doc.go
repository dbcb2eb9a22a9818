// Package screen keeps a few lines at the bottom of a terminal that change in
// place, while everything else that is written scrolls above them.
//
// Each change is one write that hides the cursor, draws and shows the cursor
// again. A program that is killed between two of them leaves a terminal in
// which there is nothing to mend.
package screen
