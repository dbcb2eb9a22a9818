// Package surroundings makes what the commands of an environment find around
// them: its hooks and its tests get the same variables and the same files with
// the outputs of its stacks.
package cmdenv
