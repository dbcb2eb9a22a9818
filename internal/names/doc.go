// Package names holds names that several packages must agree on: those of the
// CDK's bootstrap and of the webhook. Names that follow from a configuration are in package plan.
package names
