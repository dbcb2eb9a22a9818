package awsauth_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
)

func serve(t *testing.T) (s *stub, server *awsauth.CredentialServer, secret string) {
	s, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-central-1"}, quiet)
	require.NoError(t, err)
	server, err = e.ServeCredentials(func(hidden string) {
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

func TestAChildGetsTheEndpointAndNoOtherCredentials(t *testing.T) {
	_, server, secret := serve(t)
	env := server.Environ([]string{"PATH=/bin", "AWS_ACCESS_KEY_ID=old", "AWS_SESSION_TOKEN=old", "AWS_PROFILE=mine", "AWS_REGION=x", "AWS_ENDPOINT_URL=http://simulator"})
	assert.Equal(t, "/bin", value(env, "PATH"))
	assert.Equal(t, "http://simulator", value(env, "AWS_ENDPOINT_URL"))
	assert.Equal(t, "eu-central-1", value(env, "AWS_REGION"))
	assert.Equal(t, "eu-central-1", value(env, "AWS_DEFAULT_REGION"))
	assert.Equal(t, secret, value(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		assert.False(t, slices.ContainsFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") }), name)
	}
}

// TestWhatAChildIsIssuedIsHiddenBeforeItHasIt is T20 for keys that children get.
func TestWhatAChildIsIssuedIsHiddenBeforeItHasIt(t *testing.T) {
	_, cfg := newStub(t)
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "222222222222", Region: "eu-central-1"}, quiet)
	require.NoError(t, err)
	var hidden []string
	server, err := e.ServeCredentials(func(secret string) { hidden = append(hidden, secret) })
	require.NoError(t, err)
	defer server.Close()
	env := server.Environ(nil)
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
	url := value(server.Environ(nil), "AWS_CONTAINER_CREDENTIALS_FULL_URI")
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
	for _, entry := range server.Environ(nil) {
		name, value, _ := strings.Cut(entry, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	cfg, err := config.LoadDefaultConfig(t.Context())
	require.NoError(t, err)
	issued, err := cfg.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "ROLE1", issued.AccessKeyID)
	assert.True(t, issued.CanExpire)
}

func TestTheAWSCLIFetchesIssuedCredentials(t *testing.T) {
	s, server, _ := serve(t)
	if _, err := exec.LookPath("aws"); err != nil {
		t.Log("the AWS CLI is not installed")
		return
	}
	cli := exec.CommandContext(t.Context(), "aws", "sts", "get-caller-identity", "--query", "Account", "--output", "text")
	cli.Env = server.Environ(append(cli.Environ(), "HOME="+t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"))
	output, err := cli.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Equal(t, "222222222222\n", string(output))
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.Len(t, s.asked, 1, "the child used the existing session")
}
