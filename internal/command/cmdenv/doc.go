// Package cmdenv makes the environment of the hooks and tests of an environment: the
// variables, and the files with the outputs of its stacks.
package cmdenv
