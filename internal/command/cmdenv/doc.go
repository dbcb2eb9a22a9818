// Package cmdenv is the environment of the commands that an environment of the
// pipeline runs: its hooks and its tests get the same variables, and the same
// files with the outputs of its stacks.
package cmdenv
