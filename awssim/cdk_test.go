package awssim_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shop is the example app; its lock file pins the CDK.
const shop = "../examples/shop"

var installation struct {
	sync.Once
	modules string
	err     error
}

// modules is a node_modules folder with the CDK: the example's, or one that is
// installed once into the user's cache from the example's lock file.
func modules(t *testing.T) string {
	t.Helper()
	installation.Do(func() { installation.modules, installation.err = install() })
	require.NoError(t, installation.err, "the CDK CLI is needed: run `make test`, or `npm ci` in examples/shop")
	return installation.modules
}

func install() (string, error) {
	own, err := filepath.Abs(filepath.Join(shop, "node_modules"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(own, ".bin", "cdk")); err == nil {
		return own, nil
	}
	lock, err := os.ReadFile(filepath.Join(shop, "package-lock.json"))
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	dir := filepath.Join(cache, "aphex-pipeline", "cdk-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".bin", "cdk")); err == nil {
		return filepath.Join(dir, "node_modules"), nil
	}
	return filepath.Join(dir, "node_modules"), npmInstall(dir)
}

func npmInstall(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(shop, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return err
		}
	}
	command := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	command.Dir, command.Stderr = dir, os.Stderr
	return command.Run()
}

// cdk runs the real CDK CLI with an account's administrator and returns what
// it printed.
func (c cloud) cdk(dir, account, region string, args ...string) (string, error) {
	c.t.Helper()
	return c.cdkWith(nil, dir, account, region, args...)
}

// cdkWith runs it with more variables. The CDK's own validation, which calls nothing, would
// take seconds of work each time.
func (c cloud) cdkWith(env []string, dir, account, region string, args ...string) (string, error) {
	c.t.Helper()
	modules := modules(c.t)
	limited, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	command := exec.CommandContext(limited, filepath.Join(modules, ".bin", "cdk"), append(args, "--no-notices", "--no-color")...)
	command.Dir = dir
	command.Env = append(c.AddAccount(account).Over(os.Environ(), c.URL(), region),
		"CI=true", "NODE_PATH="+modules, "HOME="+c.t.TempDir(), "CDK_DISABLE_CLI_TELEMETRY=true", "CDK_VALIDATION=false")
	command.Env = append(command.Env, env...)
	printed, err := command.CombinedOutput()
	return string(printed), err
}

// bootstrap prepares environments of an account with the CDK's own template.
func (c cloud) bootstrap(account string, regions ...string) {
	c.t.Helper()
	args := []string{
		"bootstrap", "--trust", devAccount, "--trust-for-lookup", devAccount,
		"--cloudformation-execution-policies", "arn:aws:iam::aws:policy/AdministratorAccess",
	}
	for _, region := range regions {
		args = append(args, "aws://"+account+"/"+region)
	}
	printed, err := c.cdk(c.t.TempDir(), account, regions[0], args...)
	require.NoError(c.t, err, printed)
}

// app is a copy of the test's CDK app.
func app(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata/app")))
	return dir
}

func TestTheCDKBootstrapsAndDeploysAnAppOverTwoAccounts(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var group sync.WaitGroup
	group.Go(func() { c.bootstrap(devAccount, ireland, "us-east-1") })
	group.Go(func() { c.bootstrap(prodAccount, frankfurt) })
	group.Wait()

	dir := app(t)
	printed, err := c.cdk(dir, devAccount, ireland, "deploy", "--all", "--concurrency", "2", "--require-approval", "never", "--outputs-file", "outputs.json")
	require.NoError(t, err, printed)
	outputs := readOutputs(t, filepath.Join(dir, "outputs.json"))
	require.Equal(t, "arn:aws:iam::222222222222:role/far-reader", outputs["Far"]["RoleArn"])
	assertRoles(t, c)
	assertNear(t, c, outputs["Near"]["BucketName"])
	assertFar(t, c, outputs["Far"]["RoleArn"])
	assert.Empty(t, c.Unknown())

	c.ForgetCalls()
	printed, err = c.cdk(dir, devAccount, ireland, "deploy", "--all", "--concurrency", "2", "--require-approval", "never")
	require.NoError(t, err, printed)
	require.Equal(t, 2, strings.Count(printed, "(no changes)"), printed)
	require.Zero(t, c.Calls()["cloudformation:CreateChangeSet"])
}

func readOutputs(t *testing.T, file string) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var outputs map[string]map[string]string
	require.NoError(t, json.Unmarshal(text, &outputs))
	return outputs
}

// assertNear looks at what the stack of the deploying account left.
func assertNear(t *testing.T, c cloud, bucket string) {
	t.Helper()
	client := c.s3(devAccount, ireland)
	versioning, err := client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &bucket})
	require.NoError(t, err)
	assert.EqualValues(t, "Enabled", versioning.Status)
	policy, err := client.GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: &bucket})
	require.NoError(t, err)
	assert.Contains(t, *policy.Policy, "aws:SecureTransport")
	tags, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &bucket})
	require.NoError(t, err)
	found := map[string]string{}
	for _, tag := range tags.TagSet {
		found[*tag.Key] = *tag.Value
	}
	assert.Equal(t, "red", found["team"])
	assert.Equal(t, "Near", found["aws:cloudformation:stack-name"])
	assets, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("cdk-hnb659fds-assets-111111111111-eu-west-1")})
	require.NoError(t, err)
	assert.Len(t, assets.Contents, 2, "the function's code and the template")
}

// assertFar looks at what the stack of the other account left, and uses it.
func assertFar(t *testing.T, c cloud, role string) {
	t.Helper()
	parameter, err := c.ssm(prodAccount, frankfurt).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/far/region")})
	require.NoError(t, err)
	assert.Equal(t, frankfurt, *parameter.Parameter.Value)
	assumed, err := c.assume(c.as(devAccount, frankfurt), role)
	require.NoError(t, err)
	_, err = ssm.NewFromConfig(assumed).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/far/region")})
	assert.NoError(t, err, "the role of the stack may read parameters")
	reader := c.caller(prodAccount, frankfurt)
	reader.key, err = assumed.Credentials.Retrieve(ctx)
	require.NoError(t, err)
	value := reader.json("secretsmanager", "secretsmanager.GetSecretValue", map[string]string{"SecretId": "far-secret"}).ok(t)
	assert.Contains(t, value, `\"user\":\"far\"`)
	assert.Equal(t, "AccessDeniedException", reader.json("ecr", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", nil).code())
	stack, err := cloudformation.NewFromConfig(c.as(prodAccount, frankfurt)).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String("Far")})
	require.NoError(t, err)
	assert.Equal(t, cfntypes.StackStatusCreateComplete, stack.Stacks[0].StackStatus)
}

// assertRoles holds that the CDK worked through the bootstrap roles alone.
func assertRoles(t *testing.T, c cloud) {
	t.Helper()
	for _, record := range c.History() {
		switch {
		case record.Service == "cloudformation" && record.Target == "Far":
			assert.Contains(t, record.Caller, "assumed-role/cdk-hnb659fds-deploy-role-222222222222-eu-central-1/")
		case record.Operation == "PutObject":
			assert.Contains(t, record.Caller, "assumed-role/cdk-hnb659fds-file-publishing-role-")
		}
	}
}
