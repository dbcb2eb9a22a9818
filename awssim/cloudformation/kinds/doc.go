// Package kinds knows what resource types are like: which properties and
// attributes they have, how AWS names them, which names exclude each other,
// and which changes replace them.
//
// Most of it is published by AWS and embedded, see schema. What no schema
// says, how identities and attributes look, stands in tables for what CDK apps
// commonly use. A type without an entry gets a sensible default: an id of the
// form stack-logicalid-SUFFIX, and an ARN for any attribute whose name ends in
// Arn.
package kinds
