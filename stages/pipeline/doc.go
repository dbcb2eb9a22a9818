// Package pipeline is the stage with which a pipeline updates itself: it reads
// the configuration of the commit, deploys the repository's own pipeline stack
// if there is one, renders the pipeline's objects and applies them. A run that is
// of another version of the pipeline than its commit declares hands over to a
// run of that one.
package pipeline
