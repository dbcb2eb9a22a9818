// Package stage is the frame that every stage runs in. It turns flags and
// APHEX_* variables into the stage's typed input, gives it a logger, a writer
// for its children's output and a context that SIGTERM cancels, writes its
// outputs as files, keeps a record of the run, and maps the error's kind to
// the exit code that Argo's retryStrategy reads.
package stage
