// Package argo renders a plan as Argo and Kubernetes objects. It is pure: the
// same plan renders the same bytes. No value of a user, a repository or an
// event is ever part of a shell command; each input of a step is the whole value
// of an environment variable.
package argo
