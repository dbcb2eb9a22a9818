// Package kube brings a pipeline's objects to a Kubernetes cluster and removes
// them again. It applies on the server, with one field manager, so that what
// others own in an object stays theirs; it never touches an object of another
// pipeline; and it switches to a new version of the workflow template only when
// Argo has accepted it, so that the last good one stays when anything fails.
package kube
