// Package template reads CloudFormation templates and evaluates them: JSON and
// YAML with the short tags, parameters, mappings, conditions, rules, intrinsic
// functions. It is pure: values of a running stack (the identity of a resource, an imported
// value) are read through the functions of an [Env].
//
// Values of a template are string, bool, [encoding/json.Number], []any and
// map[string]any. Numbers keep their text, so that 1.10 stays 1.10.
//
// Errors are complete messages in the service's words: a caller adds only the error code
// ValidationError.
package template
