// Package contract describes the inputs and outputs of a stage, derived from its
// Input and Output structs. The flags and environment variables of the binary, the
// parameters of the rendered workflow and the local run all derive from this one
// description, so they cannot drift apart.
package contract
