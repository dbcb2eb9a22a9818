// Package stage is the frame that every stage runs in. It parses flags and APHEX_*
// variables into the stage's typed input, provides a logger, a writer for the
// output of child processes and a context that SIGTERM cancels, writes outputs as
// files, stores a record of the run, and maps the error's kind to the exit code
// that Argo's retryStrategy reads.
package stage
