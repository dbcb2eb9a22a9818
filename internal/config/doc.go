// Package config holds the declaration of a pipeline: the file
// aphex-config.yaml as Go types. The types are the one source of everything
// that is said about the file: the loader, the JSON Schema and the reference
// page all read their tags and doc comments.
//
// Load and Parse are strict. They report every mistake of a file at once, each
// with its position, as Problems.
package config
