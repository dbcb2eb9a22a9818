// Package recipes tests the commands of "With Docker" in docs/operations.md:
// it runs them unchanged, with a real Docker engine, as a user who may use Docker and
// nothing else, in a checkout of the example.
package recipes
