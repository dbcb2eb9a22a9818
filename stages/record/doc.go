// Package record is the stage at the end of every run, successful or failed: it
// joins the records of the steps into one document.
package record
