// Package contract describes a stage from outside: the inputs it takes and the
// outputs it leaves, read from the stage's own Input and Output structs. The
// binary's flags, its environment variables, the parameters of the rendered
// workflow and the local run are all derived from this one description, so
// they cannot drift apart.
package contract
