package build_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/command"
	"github.com/aphex/aphex-pipeline/internal/command/proc"
	"github.com/aphex/aphex-pipeline/internal/command/remote/remotetest"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/stage"
	"github.com/aphex/aphex-pipeline/stages/build"
)

const (
	buildRole = "arn:aws:iam::222222222222:role/ShopBuild"
	// fetch asks for credentials as an AWS SDK does, and prints them.
	fetch = `node -e 'fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, {headers: {Authorization: process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN}}).then(r => r.text()).then(t => { const c = JSON.parse(t); console.log(t); console.log("backwards", c.AccountId, [...c.AccessKeyId].reverse().join("")) })'`
)

// cloudWithRole is an AWS in which the pipeline's account may assume the role of build commands.
func cloudWithRole(t *testing.T) aws.Config {
	t.Helper()
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	url, err := server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	as := func(account string) aws.Config {
		key := server.AddAccount(account)
		return aws.Config{Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")}
	}
	_, err = cfn.Deploy(t.Context(), cloudformation.NewFromConfig(as("222222222222")), cfn.Goal{Name: "roles", Template: []byte(`{"Resources":{"R":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"ShopBuild",
			"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:TagSession"]}]}}}}}`)}, cfn.Options{})
	require.NoError(t, err)
	return as("111111111111")
}

// TestBuildCommandsGetTheCredentialsOfTheirRoleAndOfNothingElse fetches them as an SDK does.
func TestBuildCommandsGetTheCredentialsOfTheirRoleAndOfNothingElse(t *testing.T) {
	t.Parallel()
	base := cloudWithRole(t)
	ours, err := base.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	w := &world{}
	serve := func(ctx context.Context, frame stage.Frame, role string) ([]string, func(), error) {
		issued, err := awsauth.ServeBuild(ctx, base, role, commit, frame.Workflow, frame.Redactor.Add)
		if err != nil {
			return nil, nil, err
		}
		return issued.Variables(), func() { _ = issued.Close() }, nil
	}
	for name, c := range map[string]struct {
		build, want string
		kind        errs.Kind
	}{
		"its role":       {`{roleArn: "` + buildRole + `", commands: ["mkdir artifacts", "` + strings.ReplaceAll(fetch, `"`, `\"`) + `"]}`, "backwards 222222222222 ", 0},
		"an unknown one": {`{roleArn: "` + buildRole + `s", commands: ["echo never"]}`, "", errs.Invalid},
	} {
		w = &world{runner: command.Runner(proc.Runner{})}
		dir := source(t, c.build)
		w.assume = serve
		_, err := run(t, w, dir, build.Input{Source: dir})
		log := w.log.String()
		if c.want == "" {
			require.ErrorContains(t, err, "build.roleArn: ", name)
			assert.Equal(t, c.kind, errs.KindOf(err), name)
			assert.Contains(t, errs.HintOf(err), "generator bootstrap", name)
			assert.NotContains(t, log, "never", name)
			continue
		}
		require.NoError(t, err, "%s: %s", name, log)
		assert.Contains(t, log, c.want, name)
		_, backwards, _ := strings.Cut(log, c.want)
		var key string
		for _, letter := range strings.Fields(backwards)[0] {
			key = string(letter) + key
		}
		assert.NotContains(t, log, key, "what is issued is masked")
		assert.NotEqual(t, ours.AccessKeyID, key)
	}
}

// TestBuildCommandsGetTheirSecretsMaskedAndNeverTheTokenOfTheRepository reads them as the builder does.
func TestBuildCommandsGetTheirSecretsMaskedAndNeverTheTokenOfTheRepository(t *testing.T) {
	t.Setenv(clients.SecretVariable("NPM_TOKEN"), "canary-value-1234")
	for place, runner := range map[string]command.Runner{"processes": proc.Runner{}, "another container": remotetest.Start(t)} {
		w := &world{runner: runner}
		dir := source(t, `{secrets: {NPM_TOKEN: {secretsManager: shop/npm, key: token}}, commands: ["mkdir artifacts", "echo token $NPM_TOKEN; test ${#NPM_TOKEN} = 17", "! env | grep APHEX_"]}`)
		_, err := run(t, w, dir, build.Input{Source: dir, TokenSecret: "shop/github"})
		require.NoError(t, err, "%s: %s", place, w.log.String())
		assert.Contains(t, w.log.String(), "token [redacted]", place)
		assert.NotContains(t, w.log.String(), "canary-value-1234", place)
	}

	w := &world{}
	dir := source(t, `{secrets: {NPM_TOKEN: {secretsManager: shop/github, key: token}}, commands: ["echo never"]}`)
	_, err := run(t, w, dir, build.Input{Source: dir, TokenSecret: "shop/github"})
	require.ErrorContains(t, err, "build.secrets.NPM_TOKEN: shop/github is the secret with the token of the repository")
	assert.Equal(t, errs.Invalid, errs.KindOf(err))
	assert.NotContains(t, w.log.String(), "never")
}
