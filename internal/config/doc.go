// Package config holds the declaration of a pipeline: the file
// aphex-config.yaml as Go types. The types are the single source of
// everything about the file: the loader, the JSON Schema and the reference
// page all read their tags and doc comments.
//
// Load and Parse are strict. They report all errors of a file together, each
// with its position, as Problems.
package config
