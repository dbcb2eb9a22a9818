// Package localrun runs a rendered WorkflowTemplate on this machine, with
// processes instead of pods. It decodes the template strictly into the small
// part of Argo's types that it honours: a feature that it does not know is an
// error, never skipped, so the wiring that a cluster gets is the wiring that
// was run here.
package localrun
