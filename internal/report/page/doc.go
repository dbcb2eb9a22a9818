// Package page renders a run, and the runs of a pipeline, as HTML pages that stand alone:
// one file each, without scripts, and without anything that a browser would fetch. All
// texts come from repositories and accounts, and are shown as text.
package page
