package clients_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim"
	"github.com/aphex/aphex-pipeline/internal/awsauth/clients"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// secrets makes a simulated account with secrets, and points the default credentials at it.
func secrets(t *testing.T, values map[string]string) {
	t.Helper()
	server, err := awssim.New(awssim.Options{})
	require.NoError(t, err)
	url, err := server.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	keys := server.AddAccount("111111111111")
	for _, entry := range keys.Env(url, "eu-west-1") {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	client := secretsmanager.NewFromConfig(aws.Config{
		Region: "eu-west-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
	for name, value := range values {
		_, err := client.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value})
		require.NoError(t, err)
	}
}

const repository = "https://github.com/my-org/shop.git"

func TestTheTokenIsReadFromItsSecret(t *testing.T) {
	secrets(t, map[string]string{"shop/token": `{"token":"ghp_x"}`})
	token, err := clients.Token(t.Context(), repository, "shop/token")
	require.NoError(t, err)
	assert.Equal(t, "ghp_x", token)

	t.Setenv("APHEX_TOKEN", "of the environment")
	token, err = clients.Token(t.Context(), repository, "shop/token")
	require.NoError(t, err)
	assert.Equal(t, "of the environment", token)
}

func TestARepositoryWithoutATokenReadsNoSecret(t *testing.T) {
	for repository, secret := range map[string]string{"https://github.com/o/r": "", "file:///home/me/r": "shop/token", "/home/me/r": "shop/token", "http://127.0.0.1/r": "shop/token"} {
		token, err := clients.Token(t.Context(), repository, secret)
		require.NoError(t, err)
		assert.Empty(t, token)
	}
}

func TestAnUnusableSecretIsExplained(t *testing.T) {
	secrets(t, map[string]string{"empty": `{}`, "plain": "ghp_x"})
	for name, want := range map[string]string{
		"missing": `there is no secret "missing"`, "empty": `"empty" is not of the form`, "plain": `"plain" is not of the form`,
	} {
		_, err := clients.Token(t.Context(), repository, name)
		require.ErrorContains(t, err, want)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotContains(t, err.Error(), "ghp_x")
	}
}
