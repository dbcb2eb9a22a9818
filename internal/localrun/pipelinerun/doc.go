// Package pipelinerun runs a whole pipeline on this machine: the commit that
// package source opens, in the AWS of package cloud, on what earlier runs left in
// the folder of package state. It executes the template that a cluster would get,
// shows the run while it happens, and prints a summary.
package pipelinerun
