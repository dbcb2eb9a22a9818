package programs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

// TestAnArtifactThatWasChangedAfterTheBuildIsNotDeployed builds into a bucket,
// changes what lies there, and deploys; then it deploys what was built.
func TestAnArtifactThatWasChangedAfterTheBuildIsNotDeployed(t *testing.T) {
	const bucket, commit = "artifacts-of-the-app", "0123456789012345678901234567890123456789"
	bin, state := build(t), filepath.Join(t.TempDir(), "state")
	require.NoError(t, copyState(t, bin, state))
	cloud, err := awssim.New(awssim.Options{Dir: filepath.Join(state, "aws")})
	require.NoError(t, err)
	url, err := cloud.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, cloud.Close()) })
	keys := cloud.AddAccount("111111111111")
	client := s3.New(s3.Options{
		Region: "eu-west-1", BaseEndpoint: &url, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	_, err = client.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: aws.String(bucket), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	require.NoError(t, err)
	run := func(program string, args ...string) (string, int) {
		command := exec.Command(filepath.Join(bin, program), args...)
		command.Env = append(keys.Over(os.Environ(), url, "eu-west-1"), "CDK_VALIDATION=false")
		printed, _ := command.CombinedOutput() // the exit code says how it ended
		return string(printed), command.ProcessState.ExitCode()
	}

	built := t.TempDir()
	printed, code := run("builder", "--source", "testdata/app", "--commit", commit, "--bucket", bucket, "--outputs", built)
	require.Zero(t, code, printed)
	key, digest := read(t, built, "artifact"), read(t, built, "digest")
	whole, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	require.NoError(t, err)
	_, err = client.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("kept"), CopySource: aws.String(bucket + "/" + key)})
	require.NoError(t, err)
	_, err = client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(strings.Repeat("x", int(*whole.ContentLength))),
	})
	require.NoError(t, err)

	cloud.ForgetCalls()
	deploy := []string{"environment", "--environment", "dev", "--commit", commit, "--bucket", bucket, "--artifact", key, "--digest", digest}
	printed, code = run("deployer", deploy...)
	assert.Equal(t, 1, code, printed)
	assert.Contains(t, printed, "has changed since the build: its digest is sha256:")
	assert.Contains(t, printed, "expected "+digest)
	assert.Contains(t, printed, "find out who changed it")
	for call := range cloud.Calls() {
		assert.Contains(t, []string{"sts:GetCallerIdentity", "s3:GetObject"}, call, "nothing else is done")
	}

	_, err = client.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: &key, CopySource: aws.String(bucket + "/kept")})
	require.NoError(t, err)
	validated := t.TempDir()
	printed, code = run("validator", "--source", "testdata/app", "--offline", "--outputs", validated)
	require.Zero(t, code, printed)
	committed := read(t, validated, "config-digest")
	other := strings.Replace(committed, committed[len(committed)-8:], "01234567", 1)
	printed, code = run("deployer", append(deploy, "--config-digest", other)...)
	assert.Equal(t, 2, code, printed)
	assert.Contains(t, printed, "aphex-config.yaml is not the file of the commit: its digest is "+committed+", expected "+other)
	printed, code = run("deployer", append(deploy, "--config-digest", committed)...)
	assert.Zero(t, code, printed)
	assert.Equal(t, 2, cloud.Calls()["cloudformation:ExecuteChangeSet"])
}

// read reads an output file.
func read(t *testing.T, folder, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	require.NoError(t, err)
	return string(text)
}
