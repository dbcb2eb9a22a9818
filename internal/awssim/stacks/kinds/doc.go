// Package kinds knows what resource types are like: how AWS names them, what
// their attributes look like, which properties they cannot do without, and
// which changes replace them.
//
// The tables cover what CDK apps commonly use. A type without an entry gets a
// sensible default: an id of the form stack-logicalid-SUFFIX, and an ARN for
// any attribute whose name ends in Arn.
package kinds
