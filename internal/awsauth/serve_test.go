package awsauth_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/checkout"
)

func serve(t *testing.T) (s *stub, server *awsauth.CredentialServer, secret string) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-central-1"}, quiet)
	require.NoError(t, err)
	server, err = e.ServeLookups(t.Context(), func(hidden string) {
		if secret == "" { // the token is the first
			secret = hidden
		}
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() })
	return s, server, secret
}

func value(env []string, name string) string {
	for _, entry := range env {
		if value, found := strings.CutPrefix(entry, name+"="); found {
			return value
		}
	}
	return ""
}

func TestAChildGetsTheEndpointAndTheRegion(t *testing.T) {
	_, server, secret := serve(t)
	assert.Regexp(t, `^http://127\.0\.0\.1:\d+/credentials$`, value(server.Variables(), "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
	assert.Equal(t, []string{
		"AWS_CONTAINER_AUTHORIZATION_TOKEN=" + secret, "AWS_REGION=eu-central-1", "AWS_DEFAULT_REGION=eu-central-1",
	}, server.Variables()[1:])
}

// TestWhatAChildIsIssuedIsHiddenBeforeItHasIt is T20 for keys that children get.
func TestWhatAChildIsIssuedIsHiddenBeforeItHasIt(t *testing.T) {
	_, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-central-1"}, quiet)
	require.NoError(t, err)
	var hidden []string
	server, err := e.ServeLookups(t.Context(), func(secret string) { hidden = append(hidden, secret) })
	require.NoError(t, err)
	defer server.Close()
	env := server.Variables()
	request, _ := http.NewRequest(http.MethodGet, value(env, "AWS_CONTAINER_CREDENTIALS_FULL_URI"), nil)
	request.Header.Set("Authorization", value(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	var issued map[string]string
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&issued))
	for _, name := range []string{"AccessKeyId", "SecretAccessKey", "Token"} {
		require.NotEmpty(t, issued[name])
		assert.Contains(t, hidden, issued[name], name)
	}
}

func TestTheEndpointRequiresItsToken(t *testing.T) {
	_, server, secret := serve(t)
	url := value(server.Variables(), "AWS_CONTAINER_CREDENTIALS_FULL_URI")
	for token, status := range map[string]int{"": 401, "wrong": 401, secret + "x": 401, secret: 200} {
		request, _ := http.NewRequest(http.MethodGet, url, nil)
		request.Header.Set("Authorization", token)
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		assert.Equal(t, status, answer.StatusCode)
		var issued map[string]string
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&issued))
		answer.Body.Close()
		assert.Equal(t, status == 200, issued["SecretAccessKey"] != "")
	}
	request, _ := http.NewRequest(http.MethodPost, url, nil)
	request.Header.Set("Authorization", secret)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	answer.Body.Close()
	assert.Equal(t, 404, answer.StatusCode)
}

func TestTheGoSDKFetchesIssuedCredentials(t *testing.T) {
	_, server, _ := serve(t)
	for _, entry := range server.Variables() {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	cfg, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	issued, err := cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ROLE2", issued.AccessKeyID, "of the narrowed session, not of the one that ours uses")
	assert.True(t, issued.CanExpire)
}

func TestTheAWSCLIFetchesIssuedCredentials(t *testing.T) {
	s, server, _ := serve(t)
	if _, err := exec.LookPath("aws"); err != nil {
		t.Log("the AWS CLI is not installed")
		return
	}
	cli := exec.CommandContext(t.Context(), "aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text")
	cli.Env = checkout.Environ(append(cli.Environ(), "HOME="+t.TempDir()), server.Variables()...)
	output, err := cli.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Equal(t, "222222222222\n", string(output))
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Len(t, s.asked, 2, "the child used the existing session")
}
