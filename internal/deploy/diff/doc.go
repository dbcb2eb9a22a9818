// Package diff compares two CloudFormation templates: which properties of a
// resource change, which resources are replaced, and who gains permissions through IAM or security groups. It
// reads the templates only, and does not know the values of parameters.
package diff
