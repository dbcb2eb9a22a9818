// Package template reads CloudFormation templates and evaluates them: JSON and
// YAML with the short tags, parameters, mappings, conditions, rules, intrinsic
// functions. It is pure: what only a running stack knows (the identity of a
// resource, an imported value) comes through the functions of an [Env].
//
// Values of a template are string, bool, [encoding/json.Number], []any and
// map[string]any. Numbers keep their text, so that 1.10 stays 1.10.
//
// Errors are messages as the service writes them. They are complete: a
// caller adds nothing but the error code ValidationError.
package template
