// Package e2e holds the pipeline against a real Kubernetes with the real Argo:
// its tests bring up a cluster on this machine, and a world around it, and use
// both as a team would. See docs/e2e.md for how to run them.
package e2e
