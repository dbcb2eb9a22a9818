// Package pipeline is the stage with which a pipeline updates itself: it reads
// the configuration of the commit, deploys the repository's own pipeline stack
// if there is one, renders the pipeline's objects and applies them. If the commit
// declares another version of the pipeline than the run's, the run hands over to
// a run of that version.
package pipeline
