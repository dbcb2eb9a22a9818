package awsauth

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

// TestALookupSessionDoesNothingButLookups asks IAM's own rules, with a role that may do everything and resources whose
// policies let everybody do everything.
func TestALookupSessionDoesNothingButLookups(t *testing.T) {
	parse := func(text string) *policy.Document {
		document, err := policy.Parse(text)
		require.NoError(t, err)
		return document
	}
	everything := parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	everybody := parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`)
	decide := func(role *policy.Document, session []*policy.Document, action string) error {
		caller := policy.Caller{Account: "111111111111", ARN: "arn:aws:sts::111111111111:assumed-role/r/s", RoleARN: "arn:aws:iam::111111111111:role/r", Session: session}
		rights := policy.Rights{Grants: []*policy.Document{role}}
		if session != nil {
			rights.Limits = [][]*policy.Document{session}
		}
		return policy.Decide(caller, rights, policy.Question{Action: action, Resource: "*", ResourcePolicy: everybody})
	}
	narrowed := []*policy.Document{parse(lookupPolicy())}
	for _, action := range lookupActions {
		assert.NoError(t, decide(everything, narrowed, action), action)
	}
	for _, action := range []string{
		"s3:GetObject", "s3:ListBucket", "secretsmanager:GetSecretValue", "dynamodb:Scan", "dynamodb:GetItem", "sqs:ReceiveMessage", "kinesis:GetRecords",
		"kms:Decrypt", "sts:AssumeRole", "sts:TagSession", "ssm:GetParametersByPath", "ssm:GetParameterHistory", "ssm:PutParameter", "lambda:GetFunction", "logs:GetLogEvents",
		"ec2:DescribeInstanceAttribute", "ec2:GetConsoleOutput", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer",
		"rds:DownloadDBLogFilePortion", "rds-db:connect", "athena:GetQueryResults", "codecommit:GetFile", "cloudformation:GetTemplate", "cloudformation:CreateResource",
		"cloudformation:CreateStack", "iam:PassRole", "iam:CreateAccessKey", "iam:ListUsers",
	} {
		require.NoError(t, decide(everything, nil, action), "without the policy it is allowed")
		assert.Error(t, decide(everything, narrowed, action), action)
	}
}
