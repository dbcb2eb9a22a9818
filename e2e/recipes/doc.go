// Package recipes tests the commands of "With Docker" in docs/operations.md:
// it runs them as they stand there, with a real Docker engine, as a
// user who may use that and nothing else, in a checkout of the example.
package recipes
