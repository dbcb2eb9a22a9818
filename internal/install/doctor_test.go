package install_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/install"
	"github.com/aphex/aphex-pipeline/internal/install/installtest"
	"github.com/aphex/aphex-pipeline/internal/kube"
	"github.com/aphex/aphex-pipeline/internal/notify/github/githubtest"
)

// github answers with a webhook and its deliveries.
func github(t *testing.T, status int, hooks, deliveries string) install.GitHub {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer " || r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(status)
		switch r.URL.Path {
		case "/repos/my-org/shop/hooks":
			_, _ = w.Write([]byte(hooks))
		case "/repos/my-org/shop/hooks/7/deliveries":
			_, _ = w.Write([]byte(deliveries))
		}
	}))
	t.Cleanup(server.Close)
	return install.GitHub{URL: server.URL, Do: server.Client().Do}
}

func TestTheDoctorSaysWhatBecameOfTheLastDelivery(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const hook = `[{"id":6,"active":true,"events":["push"],"config":{"url":"https://ci.example.com/other"}},
		{"id":7,"active":true,"events":["push"],"config":{"url":"https://hooks.example.com/push"}}]`
	for name, c := range map[string]struct {
		code              int
		hooks, deliveries string
		status, want      string // of the last check
	}{
		"delivered": {200, hook, `[{"delivered_at":"2026-11-27T10:00:00Z","status":"OK","status_code":200,"event":"push"}]`, "ok", "last delivery (push) 2026-11-27T10:00:00Z, 200"},
		"the last one failed": {
			200, hook, `[{"delivered_at":"2026-11-27T10:00:00Z","status":"timed out","status_code":0,"event":"push"},{"status_code":200,"event":"ping"}]`,
			"failed", "failed: 0 timed out",
		},
		"another secret":   {200, hook, `[{"status":"Bad Request","status_code":400,"event":"push"}]`, "failed", "generator rotate webhook"},
		"none yet":         {200, hook, `[]`, "warning", "no delivery"},
		"no webhook":       {200, `[]`, ``, "failed", "generator bootstrap"},
		"inactive":         {200, `[{"id":7,"events":["push"],"config":{"url":"https://hooks.example.com/push"}}]`, `[]`, "failed", "not active"},
		"other events":     {200, `[{"id":7,"active":true,"events":["issues"],"config":{"url":"https://hooks.example.com/push/"}}]`, `[]`, "failed", "does not send pushes"},
		"a token too weak": {403, ``, ``, "warning", "let the token read webhooks"},
		"no JSON":          {200, `<html>`, ``, "warning", "reading GitHub's answer"},
	} {
		checks := install.Doctor(t.Context(), p.target(installtest.Named("shop")), github(t, c.code, c.hooks, c.deliveries))
		results := install.Results(checks)
		last, err := json.Marshal(results[len(results)-1])
		require.NoError(t, err)
		assert.Equal(t, c.status, results[len(results)-1].Status, "%s: %s", name, last)
		assert.Contains(t, string(last), c.want, name)
		assert.Equal(t, c.status == "failed", errs.KindOf(install.Diagnosis(checks)) == errs.Failed && install.Diagnosis(checks) != nil, name)
	}
	assert.Empty(t, p.Kube.Writes())
}

func TestTheDoctorSendsTheTokenToTheHostOfTheRepositoryAlone(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	for host, api := range map[string]string{"github.com": "https://api.github.com/repos/", "github.example.com": "https://github.example.com/api/v3/repos/"} {
		target := p.target(installtest.Named("shop"))
		target.Config.GithubHost = host
		var asked []string
		checks := install.Doctor(t.Context(), target, install.GitHub{Do: func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.String())
			return nil, errors.New("unreachable")
		}})
		require.Len(t, asked, 1)
		assert.True(t, strings.HasPrefix(asked[0], api), asked[0])
		assert.Contains(t, checks[len(checks)-1].Fix, "https://"+host+"/")
	}
}

func TestTheDoctorReadsWebhooksWithATokenOfTheGitHubApp(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	secret, err := json.Marshal(map[string]any{"Resources": map[string]any{"T": map[string]any{"Type": "AWS::SecretsManager::Secret", "Properties": map[string]any{
		"Name": "shop/app", "SecretString": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	}}}})
	require.NoError(t, err)
	p.Deploy(installtest.Home, "app", string(secret))
	text := func(secret string) string {
		return strings.Replace(installtest.Named("shop"), "githubTokenSecretName: shop/token", "githubApp: {id: 12, installationId: 345, privateKeySecretName: "+secret+"}", 1)
	}
	last := func(secret string, rights map[string]string) (checks []kube.Check, requests []string) {
		s := githubtest.New(t)
		s.App = &githubtest.App{ID: 12, Installation: 345, Key: &key.PublicKey, Rights: rights}
		target := p.target(text(secret))
		target.Config.GithubHost = s.Host()
		return install.Doctor(t.Context(), target, install.GitHub{Do: s.Client().Do}), s.Requests
	}
	checks, requests := last("shop/app", map[string]string{"repository_hooks": "read"})
	assert.Equal(t, []string{"POST /api/v3/app/installations/345/access_tokens", "GET /api/v3/repos/my-org/shop/hooks"}, requests)
	assert.Contains(t, checks[len(checks)-1].Problem, "no webhook of the repository")
	assert.True(t, slices.ContainsFunc(checks, func(c kube.Check) bool {
		return c.What == "private key of the GitHub App in secret shop/app" && c.Problem == ""
	}))

	checks, _ = last("shop/app", map[string]string{"contents": "read"})
	assert.Contains(t, checks[len(checks)-1].Fix, "with the permissions Webhooks: read")
	checks, requests = last("shop/token", nil)
	assert.Empty(t, requests)
	assert.True(t, slices.ContainsFunc(checks, func(c kube.Check) bool { return strings.Contains(c.Problem, "not the private key of a GitHub App") }))
}
