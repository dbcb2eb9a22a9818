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

func tokenOf(t *testing.T, repository, secret string) (string, error) {
	t.Helper()
	masked := ""
	token, err := clients.Repository{URL: repository, Host: "github.com", Secret: secret}.Token(t.Context(), func(text string) { masked = text })
	assert.Equal(t, token, masked)
	return token, err
}

func TestTheTokenIsReadFromItsSecret(t *testing.T) {
	secrets(t, map[string]string{"shop/token": `{"token":"ghp_x"}`})
	token, err := tokenOf(t, repository, "shop/token")
	require.NoError(t, err)
	assert.Equal(t, "ghp_x", token)

	t.Setenv("APHEX_TOKEN", "of the environment")
	token, err = tokenOf(t, repository, "shop/token")
	require.NoError(t, err)
	assert.Equal(t, "of the environment", token)
}

func TestARepositoryWithoutATokenReadsNoSecret(t *testing.T) {
	for repository, secret := range map[string]string{"https://github.com/o/r": "", "file:///home/me/r": "shop/token", "/home/me/r": "shop/token", "http://127.0.0.1/r": "shop/token"} {
		token, err := tokenOf(t, repository, secret)
		require.NoError(t, err)
		assert.Empty(t, token)
	}
}

func TestAnUnusableSecretIsExplained(t *testing.T) {
	secrets(t, map[string]string{"empty": `{}`, "plain": "ghp_x"})
	for name, want := range map[string]string{
		"missing": `there is no secret "missing"`, "empty": `"empty" is not of the form`, "plain": `"plain" is not of the form`,
	} {
		_, err := tokenOf(t, repository, name)
		require.ErrorContains(t, err, want)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotContains(t, err.Error(), "ghp_x")
	}
}

func TestTheKeyOfAGitHubAppThatCannotBeUsedIsExplainedAndMasked(t *testing.T) {
	secrets(t, map[string]string{"text": "not a key", "object": `{"privateKey": "not a key either"}`})
	for name, want := range map[string]string{
		"missing": `there is no secret "missing" with the private key of the GitHub App`, "text": `the secret "text": it is not the private key`, "object": `the secret "object": it is not the private key`,
	} {
		masked := map[string]bool{}
		_, err := clients.Repository{URL: repository, Host: "github.com", Secret: name, App: "1/2"}.Token(t.Context(), func(text string) { masked[text] = true })
		require.ErrorContains(t, err, want)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotContains(t, err.Error(), "not a key")
		assert.Equal(t, name == "text", masked["not a key"], name)
		assert.Equal(t, name == "object", masked["not a key either"], name)
	}
}
