// Package e2e tests the pipeline on real Kubernetes with real Argo: its tests start a
// cluster on this machine, with all services around it, and use both as a team would. See
// docs/e2e.md for how to run them.
package e2e
