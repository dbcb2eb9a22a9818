// Package kube applies a pipeline's objects to a Kubernetes cluster and deletes
// them. It uses server-side apply with one field manager, so that fields of
// other managers are kept; it never changes an object of another pipeline; and
// it switches to a new version of the workflow template only once Argo has
// accepted it, so that the last valid one stays if anything fails.
package kube
