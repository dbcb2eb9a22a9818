// Package localrun runs a rendered WorkflowTemplate on this machine, with processes
// instead of pods. It decodes the template strictly into the part of Argo's types
// that it supports: an unsupported feature is an error, never skipped, so a local
// run tests the same template that a cluster runs.
package localrun
