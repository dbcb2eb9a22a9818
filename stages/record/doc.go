// Package record is the stage that runs at the end of every run, failed ones
// too: it joins what the steps recorded of themselves to one document.
package record
