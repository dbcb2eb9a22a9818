// Package infra renders the pipeline's own AWS stack as a CloudFormation
// template: its bucket, the roles of its pods with least privilege,
// and the webhook secret. It is pure: the same configuration
// renders the same bytes. It also finds the cluster among CloudFormation's exports.
package infra
