// Package pipelinerun runs a whole pipeline on this machine: the commit that package
// source opens, in the AWS of package cloud, with the state of earlier runs from package
// state. It runs the template that a cluster would get, prints its progress, and ends
// with a summary.
package pipelinerun
