package awssim_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/awssim/bootstrap"
)

const lookupRole = "arn:aws:iam::222222222222:role/cdk-other-lookup-role-222222222222-us-west-2"

// ready is a cloud whose accounts bootstrap themselves for an account.
func ready(t *testing.T, dir, trust string) (cloud, func() []bootstrap.Environment) {
	t.Helper()
	var mu sync.Mutex
	var made []bootstrap.Environment
	c := start(t, awssim.Options{Dir: dir, Bootstrap: &awssim.Bootstrap{Trust: trust, Done: func(env bootstrap.Environment) {
		mu.Lock()
		defer mu.Unlock()
		made = append(made, env)
	}}})
	c.AddAccount(devAccount)
	c.AddAccount(prodAccount)
	return c, func() []bootstrap.Environment { mu.Lock(); defer mu.Unlock(); return made }
}

func TestARegionIsBootstrappedWhenACallFirstNamesIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, made := ready(t, filepath.Join(dir, "aws"), devAccount)
	_, err := c.ssm(devAccount, ireland).GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/my/own")})
	require.Error(t, err)
	require.Empty(t, made(), "only a named account is bootstrapped")

	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			_, err := c.assume(c.as(devAccount, "us-west-2"), lookupRole)
			assert.NoError(t, err)
		})
	}
	group.Wait()
	require.Equal(t, []bootstrap.Environment{{Account: prodAccount, Region: "us-west-2", Qualifier: "other"}}, made())
	version, err := c.ssm(prodAccount, "us-west-2").GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/cdk-bootstrap/other/version")})
	require.NoError(t, err)
	assert.Equal(t, "33", *version.Parameter.Value)

	_, err = c.assume(c.as(devAccount, ireland), "arn:aws:iam::333333333333:role/cdk-other-lookup-role-333333333333-us-west-2")
	require.Error(t, err, "an account that was not created stays unknown")

	t.Run("a later server trusts the account that it should trust", func(t *testing.T) {
		require.NoError(t, c.Close())
		c, made := ready(t, filepath.Join(dir, "aws"), "444444444444")
		c.AddAccount("444444444444")
		_, err := c.assume(c.as("444444444444", "us-west-2"), lookupRole)
		require.NoError(t, err)
		_, err = c.assume(c.as(devAccount, "us-west-2"), lookupRole)
		require.NoError(t, err, "and the one of before")
		assert.Len(t, made(), 1)
	})
}

func TestAFailedBootstrapIsExplained(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := start(t, awssim.Options{Dir: filepath.Join(dir, "aws")})
	before.bucket(devAccount, "us-west-2", "cdk-other-assets-222222222222-us-west-2") // names of buckets are taken for all
	require.NoError(t, before.Close())
	c, made := ready(t, filepath.Join(dir, "aws"), devAccount)
	_, err := c.assume(c.as(devAccount, "us-west-2"), lookupRole)
	require.ErrorContains(t, err, "the simulator could not bootstrap account 222222222222 in us-west-2 (qualifier other)")
	require.ErrorContains(t, err, "StagingBucket")
	assert.Empty(t, made())
}

func TestAccountsAreNotBootstrappedUnlessConfigured(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.AddAccount(prodAccount)
	_, err := c.assume(c.as(devAccount, "us-west-2"), lookupRole)
	require.ErrorContains(t, err, "AccessDenied")
}

// TestTheCDKDeploysWithoutABootstrap holds our bootstrap to the real CLI: it deploys with it, and updates it to
// its own template.
func TestTheCDKDeploysWithoutABootstrap(t *testing.T) {
	t.Parallel()
	c, made := ready(t, "", devAccount)
	printed, err := c.cdk(app(t), devAccount, ireland, "deploy", "--all", "--concurrency", "2", "--require-approval", "never")
	require.NoError(t, err, printed)
	assertRoles(t, c)
	assert.Empty(t, c.Unknown())
	assert.ElementsMatch(t, []bootstrap.Environment{
		{Account: devAccount, Region: ireland, Qualifier: "hnb659fds"}, {Account: prodAccount, Region: frankfurt, Qualifier: "hnb659fds"},
	}, made())
	c.bootstrap(prodAccount, frankfurt)
}
