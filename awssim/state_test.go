package awssim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
)

// running is a server whose end the test decides.
func running(t *testing.T, dir string) cloud {
	t.Helper()
	server, err := awssim.New(awssim.Options{Dir: dir})
	require.NoError(t, err)
	_, err = server.Start()
	require.NoError(t, err)
	return cloud{server, t}
}

func TestALaterServerContinuesFromTheState(t *testing.T) {
	dir := t.TempDir()
	c := running(t, dir)
	key := c.AddAccount(devAccount)
	s := c.bucket(devAccount, ireland, "shelf")
	s.version()
	s.put("a/k", "one")
	s.put("a/k", "two")
	admin := c.caller(devAccount, ireland)
	admin.json("secretsmanager", "secretsmanager.CreateSecret", map[string]string{"Name": "s", "SecretString": "hidden"}).ok(t)
	admin.json("ecr", "ECR.CreateRepository", map[string]string{"repositoryName": "images"}).ok(t)
	assumed, err := c.assume(c.as(devAccount, ireland), c.role(devAccount, "r", fmt.Sprintf(trustAccount, devAccount), `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	require.NoError(t, err)
	f := c.formation(c.as(devAccount, ireland), "stack")
	require.NoError(t, f.create(`{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/p","Type":"String","Value":"v"}}}}`))
	require.Equal(t, cfntypes.StackStatusCreateComplete, f.settle())
	require.NoError(t, c.Close())

	c = running(t, dir)
	defer func() { require.NoError(t, c.Close()) }()
	require.Equal(t, key, c.AddAccount(devAccount))
	s = shelf{c.s3(devAccount, ireland), t, s.name}
	text, err := s.get("a/k")
	require.NoError(t, err)
	assert.Equal(t, "two", text)
	versions, err := s.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: s.name})
	require.NoError(t, err)
	assert.Len(t, versions.Versions, 2)
	admin = c.caller(devAccount, ireland)
	assert.Contains(t, admin.json("secretsmanager", "secretsmanager.GetSecretValue", map[string]string{"SecretId": "s"}).ok(t), "hidden")
	assert.Contains(t, admin.json("ecr", "ECR.DescribeRepositories", nil).ok(t), "images")
	session, err := assumed.Credentials.Retrieve(ctx)
	require.NoError(t, err)
	who, err := sts.NewFromConfig(c.with(credentials.StaticCredentialsProvider{Value: session}, ireland)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	require.NoError(t, err)
	assert.Contains(t, *who.Arn, "assumed-role/r/")
	f = c.formation(c.as(devAccount, ireland), "stack")
	require.Equal(t, cfntypes.StackStatusCreateComplete, f.settle())
	require.NoError(t, f.update(`{"Resources":{"P":{"Type":"AWS::SSM::Parameter","Properties":{"Name":"/p","Type":"String","Value":"w"}}}}`))
	require.Equal(t, cfntypes.StackStatusUpdateComplete, f.settle())
}

func TestAKilledServerLosesLittle(t *testing.T) {
	dir := t.TempDir()
	killed := running(t, dir)
	key := killed.AddAccount(devAccount)
	killed.bucket(devAccount, ireland, "shelf").put("k", "v")
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(dir, "state.json"))
		return err == nil
	}, 5*time.Second, 20*time.Millisecond, "the state is saved while the server runs")
	require.NoError(t, killed.Save())

	copied := t.TempDir() // the state after a kill
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	require.NoError(t, killed.Close())
	c := running(t, copied)
	defer func() { require.NoError(t, c.Close()) }()
	require.Equal(t, key, c.AddAccount(devAccount))
	text, err := shelf{c.s3(devAccount, ireland), t, aws.String("shelf")}.get("k")
	require.NoError(t, err)
	require.Equal(t, "v", text)
}

func TestServersDoNotShareKeys(t *testing.T) {
	first, second := newCloud(t), newCloud(t)
	require.NotEqual(t, first.AddAccount(devAccount), second.AddAccount(devAccount))
	require.NotEqual(t, first.AddAccount(devAccount), first.AddAccount(prodAccount))
}

func TestAStateThatCannotBeReadIsAnError(t *testing.T) {
	for content, want := range map[string]string{
		"{": "remove the directory to start anew", `{"Version":99}`: "has the format 99", `{"Version":1,"Parts":{"identity":[]}}`: "restoring identity",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "state.json"), []byte(content), 0o600))
		_, err := awssim.New(awssim.Options{Dir: dir})
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, dir)
	}
}

func TestATemporaryServerLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	c := running(t, "")
	c.bucket(devAccount, ireland, "shelf").put("k", "v")
	require.NoError(t, c.Close())
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestOnlyItsOwnerReadsTheState(t *testing.T) {
	dir := t.TempDir()
	c := running(t, dir)
	c.AddAccount(devAccount)
	require.NoError(t, c.Close())
	require.NoError(t, c.Close(), "closing again does nothing")
	info, err := os.Stat(filepath.Join(dir, "state.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}
