// Package kinds describes resource types: their properties and attributes, how AWS names
// them, which names must be unique, and which changes replace them.
//
// Most of it is published by AWS and embedded, see schema. What schemas lack, the form of
// identities and attributes, is in tables for the types that CDK apps commonly use. Other
// types have defaults: an id of the form stack-logicalid-SUFFIX, and an ARN for attributes
// with a name that ends in Arn.
package kinds
