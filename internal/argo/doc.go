// Package argo renders a plan as the objects that Argo runs it with. It is
// pure: the same plan gives the same bytes. No value of a user, a repository
// or an event is ever part of a shell text; what a step is given reaches its
// container as the whole value of an environment variable.
package argo
