// Package kube applies a pipeline's objects to a Kubernetes cluster and deletes
// them. It applies on the server, with one field manager, so that fields of
// other managers stay theirs; it never touches an object of another pipeline; and
// it switches to a new version of the workflow template only once Argo has
// accepted it, so that the last valid one stays if anything fails.
package kube
