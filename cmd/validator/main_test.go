package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/deploy/cfn"
)

// TestTheValidatorRejectsARoleThatAllowsNoTaggedSessions checks that the validator assumes
// the role as the deployment does.
func TestTheValidatorRejectsARoleThatAllowsNoTaggedSessions(t *testing.T) {
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	url, err := server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	for _, entry := range server.AddAccount("111111111111").Env(url, "eu-west-1") {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	keys := server.AddAccount("222222222222")
	require.NoError(t, server.MakeBootstrap("222222222222", "eu-west-1", "hnb659fds", "111111111111"))
	client := cfn.NewClient(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	role := func(name, actions string) string {
		template := `{"Resources":{"Role":{"Type":"AWS::IAM::Role","Properties":{"RoleName":"` + name + `","ManagedPolicyArns":["arn:aws:iam::aws:policy/AdministratorAccess"],
			"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Principal":{"AWS":"arn:aws:iam::111111111111:root"}}]}}}}}`
		_, err := cfn.Deploy(t.Context(), client, cfn.Goal{Name: name, Template: []byte(template)}, cfn.Options{})
		require.NoError(t, err)
		return "arn:aws:iam::222222222222:role/" + name
	}
	dir := t.TempDir()
	validate := func(role string) (int, string) {
		for name, text := range map[string]string{"cdk.json": "{}", "api.ts": "", "aphex-config.yaml": `version: "1.0"
environments: [{name: prod, account: "222222222222", region: eu-west-1, roleArn: "` + role + `", stacks: [{name: Api, path: api.ts}]}]
`} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		var stdout, stderr bytes.Buffer
		exit := program().Run(t.Context(), []string{"--source", dir}, &stdout, &stderr)
		return exit, stdout.String() + stderr.String()
	}

	exit, output := validate(role("untagged", `"sts:AssumeRole"`))
	assert.Equal(t, 2, exit, output)
	assert.Contains(t, output, "may not assume arn:aws:iam::222222222222:role/untagged")
	assert.Contains(t, output, "fix: add sts:TagSession next to sts:AssumeRole to the actions of the role's trust policy")

	exit, output = validate(role("tagged", `["sts:AssumeRole","sts:TagSession"]`))
	assert.Equal(t, 0, exit, output)
}
