// Package bootstrap makes and reads the names of the resources that `cdk bootstrap` creates.
package bootstrap

import "regexp"

// DefaultQualifier is the part of the names of bootstrap resources that the CDK uses unless told otherwise.
const DefaultQualifier = "hnb659fds"

// Role is a role of the CDK's bootstrap.
type Role string

// Roles of the CDK's bootstrap that a deployment assumes. CloudFormation assumes
// the fifth, for execution, by itself.
const (
	DeployRole          Role = "deploy-role"
	FilePublishingRole  Role = "file-publishing-role"
	ImagePublishingRole Role = "image-publishing-role"
	LookupRole          Role = "lookup-role"
)

// RoleARN returns the ARN of a role of the bootstrap with a qualifier in an account and region.
func RoleARN(partition, account, region, qualifier string, role Role) string {
	return "arn:" + partition + ":iam::" + account + ":role/cdk-" + qualifier + "-" + string(role) + "-" + account + "-" + region
}

// bootstrapResource matches the name of a role, bucket or repository as the CDK's bootstrap template makes it.
var bootstrapResource = regexp.MustCompile(`(?i)^cdk-([a-z0-9_-]+?)-(deploy-role|file-publishing-role|image-publishing-role|lookup-role|cfn-exec-role|container-assets|assets)-([0-9]{12})-([a-z0-9-]+)$`)

// Bootstrap is the bootstrap that a resource belongs to.
type Bootstrap struct{ Qualifier, Account, Region string }

// Of returns the bootstrap that a role, bucket or repository with a name belongs to.
func Of(name string) (b Bootstrap, isOne bool) {
	parts := bootstrapResource.FindStringSubmatch(name)
	if parts == nil {
		return Bootstrap{}, false
	}
	return Bootstrap{Qualifier: parts[1], Account: parts[3], Region: parts[4]}, true
}

// VersionParameter returns the name of the SSM parameter with the version of the
// bootstrap of a qualifier.
func VersionParameter(qualifier string) string { return "/cdk-bootstrap/" + qualifier + "/version" }
