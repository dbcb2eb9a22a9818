// Package e2e holds the pipeline against a real Kubernetes with the real Argo:
// its tests bring up a cluster on this machine, and a world around it, and use
// both as a team would. docs/e2e.md tells how they are run.
package e2e
