package iam

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

// managed are the AWS managed policies that grant something here, cut down to
// the services the simulator has. Every other name of AWS's can be attached
// and grants nothing.
//
// Source: AWS Managed Policy Reference Guide.
var managed = map[string]*policy.Document{
	"AdministratorAccess": allow("*"),
	"PowerUserAccess":     allowBut("iam:*", "organizations:*", "account:*"),
	"ReadOnlyAccess": allow(
		"cloudformation:Describe*", "cloudformation:Detect*", "cloudformation:Estimate*", "cloudformation:Get*",
		"cloudformation:List*", "cloudformation:ValidateTemplate", "cloudtrail:LookupEvents", "ec2:Describe*", "ec2:Get*", "ec2:Search*",
		"ecr:BatchCheck*", "ecr:BatchGet*", "ecr:Describe*", "ecr:Get*", "ecr:List*", "ecs:Describe*", "ecs:List*", "iam:Generate*", "iam:Get*",
		"iam:List*", "iam:Simulate*", "kms:Describe*", "kms:Get*", "kms:List*", "lambda:Get*", "lambda:List*", "logs:Describe*", "logs:FilterLogEvents",
		"logs:Get*", "rds:Describe*", "rds:List*",
		"elasticloadbalancing:Describe*", "route53:Get*", "route53:List*", "s3:DescribeJob", "s3:Get*", "s3:List*",
		"secretsmanager:Describe*", "secretsmanager:GetResourcePolicy", "secretsmanager:List*", "ssm:Describe*",
		"ssm:Get*", "ssm:List*", "sts:GetAccessKeyInfo", "sts:GetCallerIdentity", "sts:GetSessionToken"),
	"AWSCloudFormationReadOnlyAccess": allow(
		"cloudformation:Describe*", "cloudformation:EstimateTemplateCost", "cloudformation:Get*",
		"cloudformation:List*", "cloudformation:ValidateTemplate", "cloudformation:Detect*"),
	"AWSCloudFormationFullAccess":        allow("cloudformation:*"),
	"AmazonS3FullAccess":                 allow("s3:*"),
	"AmazonS3ReadOnlyAccess":             allow("s3:Get*", "s3:List*", "s3:Describe*"),
	"AmazonSSMFullAccess":                allow("ssm:*"),
	"AmazonSSMReadOnlyAccess":            allow("ssm:Describe*", "ssm:Get*", "ssm:List*"),
	"SecretsManagerReadWrite":            allow("secretsmanager:*"),
	"IAMFullAccess":                      allow("iam:*"),
	"IAMReadOnlyAccess":                  allow("iam:Generate*", "iam:Get*", "iam:List*", "iam:Simulate*"),
	"AmazonEC2ContainerRegistryReadOnly": allow("ecr:GetAuthorizationToken", "ecr:BatchCheck*", "ecr:Get*", "ecr:Describe*", "ecr:List*", "ecr:BatchGetImage"),
	"AmazonEC2ContainerRegistryPowerUser": allow("ecr:GetAuthorizationToken", "ecr:BatchCheck*", "ecr:Get*", "ecr:Describe*",
		"ecr:List*", "ecr:BatchGetImage", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"),
}

func allow(actions ...string) *policy.Document { return grant("Action", actions) }

func allowBut(actions ...string) *policy.Document { return grant("NotAction", actions) }

func grant(element string, actions []string) *policy.Document {
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{
		"Effect": "Allow", element: actions, "Resource": "*",
	}})
	document, err := policy.Parse(string(text))
	if err != nil {
		panic("a policy of the table of AWS managed policies is malformed: " + err.Error())
	}
	return document
}

// awsManaged gives the name of a policy that AWS manages, without its path.
func awsManaged(text string) (name string, ok bool) {
	parsed, err := arn.Parse(text)
	if err != nil || parsed.Service != "iam" || parsed.AccountID != "aws" || !strings.HasPrefix(parsed.Resource, "policy/") {
		return "", false
	}
	return lastPart(parsed.Resource), true
}
