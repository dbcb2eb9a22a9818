// Package pipeline is the stage with which a pipeline updates itself: it reads
// the configuration of the commit, deploys the repository's own pipeline stack
// if there is one, renders the pipeline's objects and applies them. The run
// that does so keeps its own topology; the next one has the new.
package pipeline
