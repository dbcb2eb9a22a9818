// Package infra renders the pipeline's own AWS stack as a CloudFormation
// template: its bucket, the roles of its pods with exactly the permissions that
// they need, and the secret of its webhook. It is pure: the same configuration
// gives the same bytes. It also finds the cluster among CloudFormation's exports.
package infra
