// Package kube applies objects to a Kubernetes cluster by server-side apply,
// with one field manager, so that what others own in an object stays theirs.
package kube
