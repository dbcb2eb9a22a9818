// Package recipes holds what the README tells to paste: its tests run the
// commands of "With Docker" as they stand there, with a real Docker engine, as a
// user who may use that and nothing else, in a checkout of the example.
package recipes
