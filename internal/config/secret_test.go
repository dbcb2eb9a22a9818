package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// The secrets are put together here, so that no scanner takes this file for a leak.
const (
	keyID     = "AKIA" + "QYLPMN5HFIQR7XYA"
	secretKey = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYzEXAMPLEKY"
	token     = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
	fineToken = "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789"
	keyBody   = "MIIEpAIBAAKCAQEAx6v3kCq"
)

func TestASecretIsRefusedAndNeverRepeated(t *testing.T) {
	for name, c := range map[string]struct{ text, secret, kind string }{
		"AWS key id in a command":       {"build: {commands: [aws configure set aws_access_key_id " + keyID + "]}\n", keyID, "an AWS access key id"},
		"AWS secret beside its name":    {"build: {commands: [\"AWS_SECRET_ACCESS_KEY=" + secretKey + " npm test\"]}\n", secretKey, "an AWS secret access key"},
		"AWS secret alone":              {"githubTokenSecretName: " + secretKey + "\n", secretKey, "an AWS secret access key"},
		"GitHub token as a value":       {"githubTokenSecretName: " + token + "\n", token, "a GitHub token"},
		"GitHub token as a key":         {token + ": x\n", token, "a GitHub token"},
		"GitHub token in a comment":     {"# " + token + "\n", token, "a GitHub token"},
		"GitHub token in a wrong value": {"clusterName: [" + token + "]\n", token, "a GitHub token"},
		"fine-grained GitHub token":     {"githubOwner: \"" + fineToken + "\"\n", fineToken, "a GitHub token"},
		"token in broken YAML":          {"githubOwner: '" + token + "\n", token, "a GitHub token"},
		"token on a line with more":     {"{githubOwner: " + token + ", zzz: 1}\n", token, "a GitHub token"},
		"private key in a block":        {"externalId: |\n  -----BEGIN RSA PRIVATE KEY-----\n  " + keyBody + "\n  " + keyBody + "\n  -----END RSA PRIVATE KEY-----\n", keyBody, "a private key"},
		"private key with escapes":      {`externalId: "-----BEGIN PRIVATE KEY-----\n` + keyBody + `\n-----END PRIVATE KEY-----\n"` + "\n", keyBody, "a private key"},
		"private key cut off":           {"externalId: |\n  -----BEGIN EC PRIVATE KEY-----\n  " + keyBody + "\n", keyBody, "a private key"},
		"web identity token":            {"externalId: eyJhbGciOiJSUzI1NiJ9." + "eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl\n", "eyJzdWIiOiJzeXN0ZW0ifQ", "a signed token (JWT)"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse("x.yaml", []byte(c.text))
			require.Error(t, err)
			data, marshalErr := json.Marshal(err)
			require.NoError(t, marshalErr)
			assert.Contains(t, err.Error(), "this looks like "+c.kind)
			for _, text := range []string{err.Error(), string(data)} {
				assert.NotContains(t, text, c.secret)
				assert.NotContains(t, text, c.secret[len(c.secret)-12:], "no part of it either")
			}
		})
	}
}

func TestASecretIsMasked(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("# ü\nversion: '1.0'\ngithubTokenSecretName: "+token+" # here\n"+oneEnvironment))
	assert.EqualError(t, err, strings.Join([]string{
		"x.yaml:3:24: this looks like a GitHub token, which does not belong in a repository",
		"   3 | githubTokenSecretName: " + strings.Repeat("█", len(token)) + " # here",
		"     |                        " + strings.Repeat("^", len(token)),
		"     = revoke it, keep the new one in AWS Secrets Manager, and name that secret here (githubTokenSecretName)",
	}, "\n"))
}

func TestOtherProblemsAreReportedWithASecret(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("version: '1.0'\nbuild: {commands: ["+token+"], comands: [x]}\n"+oneEnvironment))
	assert.ErrorContains(t, err, "unknown key \"comands\"")
	assert.ErrorContains(t, err, "2 problems in x.yaml")
}

func TestACharacterThatLooksLikeTheMaskHidesNothing(t *testing.T) {
	_, err := config.Parse("x.yaml", []byte("version: '1.0'\nclusterName: █\n"+oneEnvironment))
	assert.ErrorContains(t, err, "clusterName is \"█\": expected an EKS cluster name")
}

func TestWhatOnlyResemblesASecretIsAccepted(t *testing.T) {
	for name, text := range map[string]string{
		"commit":        "build: {commands: [git checkout 0123456789abcdef0123456789abcdef01234567]}\n",
		"digest":        "builderImage: a/b@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
		"path":          "pipelineStack: {name: P, path: infrastructure/lib/ApiGatewayV2Stack/src01}\n",
		"secret's name": "githubTokenSecretName: my-organisation/my-application/github-token-1A\n",
		"shell command": "build: {commands: ['export TOKEN=$(aws secretsmanager get-secret-value --secret-id x)', 'test -n \"$GITHUB_TOKEN\"']}\n",
	} {
		_, err := config.Parse("x.yaml", []byte("version: '1.0'\n"+text+oneEnvironment))
		assert.NoError(t, err, name)
	}
}
