// Package difference compares two CloudFormation templates: which properties of
// a resource change, and where somebody gets more rights than before, by IAM or
// by security groups. It looks at the templates alone: what a parameter's value
// does to them it cannot know.
package diff
