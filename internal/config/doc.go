// Package config reads the configuration file of a pipeline, aphex-config.yaml,
// into Go types. The loader, the JSON Schema and the reference page are derived
// from the tags and doc comments of the types.
//
// Load and Parse are strict. They report all errors of a file together, each
// with its position, as Problems.
package config
