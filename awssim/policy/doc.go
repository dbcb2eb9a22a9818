// Package policy implements the IAM policy language: documents are parsed strictly and
// a decision is made as the AWS evaluation logic does: an explicit deny wins,
// a request of another account needs both the caller's and the resource's
// policy, and within an account one of them is enough.
//
// Source: IAM User Guide, "Policy evaluation logic" and "JSON policy element
// reference". The package is pure and independent of services.
package policy
