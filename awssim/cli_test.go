package awssim_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// aws runs the real AWS CLI with an account's administrator.
func (c cloud) aws(account, region string, args ...string) (string, error) {
	c.t.Helper()
	program, err := exec.LookPath("aws")
	require.NoError(c.t, err, "this test needs the AWS CLI: `pip install awscli`, or see https://aws.amazon.com/cli/")
	command := exec.Command(program, args...)
	command.Env = append(c.AddAccount(account).Over(os.Environ(), c.URL(), region), "AWS_PAGER=", "HOME="+c.t.TempDir())
	printed, err := command.CombinedOutput()
	return strings.TrimSpace(string(printed)), err
}

func (c cloud) awsOK(args ...string) string {
	c.t.Helper()
	printed, err := c.aws(devAccount, ireland, args...)
	require.NoError(c.t, err, printed)
	return printed
}

func TestTheAWSCLIIsServed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	assert.Equal(t, "arn:aws:iam::111111111111:user/admin", c.awsOK("sts", "get-caller-identity", "--query", "Arn", "--output", "text"))

	dir := t.TempDir()
	content := make([]byte, 9<<20) // above the CLI's limit for one part
	_, _ = rand.Read(content)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "large file"), content, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "small+ü"), []byte("small"), 0o600))
	c.bucket(devAccount, ireland, "cli-bucket")
	c.awsOK("s3", "sync", dir, "s3://cli-bucket/in", "--no-progress")
	c.awsOK("s3", "sync", "s3://cli-bucket/in", filepath.Join(dir, "back"), "--no-progress")
	back, err := os.ReadFile(filepath.Join(dir, "back", "large file"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, back))
	assert.FileExists(t, filepath.Join(dir, "back", "small+ü"))

	_, err = c.ssm(devAccount, ireland).PutParameter(ctx, &ssm.PutParameterInput{Name: aws.String("/a/b"), Value: aws.String("x,y"), Type: "StringList"})
	require.NoError(t, err)
	assert.Equal(t, "x,y", c.awsOK("ssm", "get-parameters-by-path", "--path", "/a", "--query", "Parameters[0].Value", "--output", "text"))
	c.awsOK("secretsmanager", "create-secret", "--name", "token", "--secret-string", `{"token":"t"}`)
	assert.Equal(t, `{"token":"t"}`, c.awsOK("secretsmanager", "get-secret-value", "--secret-id", "token", "--query", "SecretString", "--output", "text"))
	c.awsOK("secretsmanager", "create-secret", "--name", "own-key", "--secret-string", "s", "--kms-key-id", "12345678-1234-1234-1234-123456789012")
	assert.Equal(t, "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012", c.awsOK("secretsmanager", "describe-secret", "--secret-id", "own-key", "--query", "KmsKeyId", "--output", "text"))
	c.awsOK("ssm", "put-parameter", "--name", "/own-key", "--value", "s", "--type", "SecureString", "--key-id", "arn:aws:kms:eu-west-1:111111111111:key/12345678-1234-1234-1234-123456789012")
	assert.Equal(t, "s", c.awsOK("ssm", "get-parameter", "--name", "/own-key", "--with-decryption", "--query", "Parameter.Value", "--output", "text"))
	c.role(devAccount, "r", fmt.Sprintf(trustAccount, devAccount), "")
	assert.Equal(t, devAccount, c.awsOK("iam", "get-role", "--role-name", "r", "--query", "Role.AssumeRolePolicyDocument.Statement[0].Principal.AWS", "--output", "text"))
	c.awsOK("ecr", "create-repository", "--repository-name", "shop/api")
	assert.Equal(t, "eu-west-1a\teu-west-1b\teu-west-1c", c.awsOK("ec2", "describe-availability-zones", "--query", "AvailabilityZones[].ZoneName", "--output", "text"))
	assert.Empty(t, c.Unknown())
}

func TestTheAWSCLIReportsUnsupportedOperationsByName(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for call, says := range map[string]string{ // one for each protocol
		"autoscaling describe-auto-scaling-groups":  "(InvalidAction) when calling the DescribeAutoScalingGroups operation: the simulator does not simulate the service autoscaling (operation DescribeAutoScalingGroups)",
		"dynamodb list-tables":                      "(UnknownOperationException) when calling the ListTables operation: the simulator does not simulate the service dynamodb (operation ListTables)",
		"apigateway get-rest-apis":                  "(UnknownOperationException) when calling the GetRestApis operation: the simulator does not simulate the service apigateway (operation GET /restapis)",
		"eks list-clusters":                         "(UnknownOperationException) when calling the ListClusters operation: the simulator does not simulate the service eks (operation GET /clusters)",
		"lambda invoke --function-name f /dev/null": "the simulator does not support lambda:POST /2015-03-31/functions/f/invocations",
		"cloudfront list-distributions":             "the simulator does not simulate the service cloudfront (operation GET /2020-05-31/distribution)",
		"cloudwatch list-dashboards":                "(UnknownOperationException) when calling the ListDashboards operation: the simulator does not support monitoring:ListDashboards",
	} {
		printed, err := c.aws(devAccount, ireland, strings.Fields(call)...)
		require.Error(t, err, call)
		assert.Contains(t, printed, says, call)
	}
	assert.Contains(t, c.Unknown(), "autoscaling:DescribeAutoScalingGroups")
	assert.Contains(t, c.Unknown(), "eks:GET /clusters")
}
