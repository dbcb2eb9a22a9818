package names

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

// BootstrapRole gives the ARN of a role of the default bootstrap in an account and region.
func BootstrapRole(partition, account, region string, role Role) string {
	return "arn:" + partition + ":iam::" + account + ":role/cdk-" + DefaultQualifier + "-" + string(role) + "-" + account + "-" + region
}

// BootstrapVersion names the SSM parameter that holds the version of the bootstrap of a qualifier.
func BootstrapVersion(qualifier string) string { return "/cdk-bootstrap/" + qualifier + "/version" }
