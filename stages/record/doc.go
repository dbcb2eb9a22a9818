// Package record is the stage that runs at the end of every run, also of failed
// ones: it joins the records of the steps to one document.
package record
