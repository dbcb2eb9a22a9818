package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/github"
	"github.com/aphex/aphex-pipeline/internal/notify/github/githubtest"
)

// keys are the key of the App and another one.
var keys = sync.OnceValue(func() (all [2]*rsa.PrivateKey) {
	for i := range all {
		all[i], _ = rsa.GenerateKey(rand.Reader, 2048)
	}
	return all
})

func pemOf(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// installed is a server with an App that has these rights.
func installed(t *testing.T, rights map[string]string) (*githubtest.Server, github.Options) {
	t.Helper()
	s := githubtest.New(t)
	s.App = &githubtest.App{ID: 12, Installation: 345, Key: &keys()[0].PublicKey, Rights: rights}
	return s, github.Options{URL: s.Repository(), Host: s.Host(), Transport: s.Client().Transport}
}

func appOf(t *testing.T, ids string, key *rsa.PrivateKey) github.App {
	t.Helper()
	app, err := github.NewApp(ids, pemOf(key))
	require.NoError(t, err)
	return app
}

func TestATokenOfAnAppIsOfItsRepositoryAndItsRightsAlone(t *testing.T) {
	s, at := installed(t, map[string]string{"contents": "write", "statuses": "write", "deployments": "write", "pull_requests": "write", "repository_hooks": "read"})
	app := appOf(t, "12/345", keys()[0])
	for _, c := range []struct {
		rights github.Rights
		want   string
	}{
		{github.Read, `{"contents":"read"}`},
		{github.Reports([]string{github.Statuses}), `{"statuses":"write"}`},
		{github.Reports([]string{github.Statuses, github.Deployments}), `{"deployments":"write","statuses":"write"}`},
		{github.CommentOn, `{"pull_requests":"write"}`},
		{github.ReadWebhooks, `{"repository_hooks":"read"}`},
	} {
		_, err := app.Token(t.Context(), at, c.rights)
		require.NoError(t, err)
		var asked struct{ Permissions json.RawMessage }
		require.NoError(t, json.Unmarshal(s.Asked[len(s.Asked)-1], &asked))
		assert.JSONEq(t, c.want, string(asked.Permissions))
	}

	token, err := app.Token(t.Context(), at, github.Reports([]string{github.Statuses}))
	require.NoError(t, err)
	r := opened(t, s, token)
	require.NoError(t, r.SetStatus(t.Context(), githubtest.Commit, github.Status{Context: "aphex/shop", State: github.Success}))
	err = r.SetDeployment(t.Context(), githubtest.Commit, github.Deployment{Environment: "dev", State: github.Success})
	require.ErrorContains(t, err, "the token has no right to do it")

	s.Tokens[token].Expires = time.Now() // an hour later
	err = r.SetStatus(t.Context(), githubtest.Commit, github.Status{Context: "aphex/shop", State: github.Success})
	require.ErrorContains(t, err, "GitHub does not know the token")
}

func TestAnAppEditsItsOwnComment(t *testing.T) {
	s, at := installed(t, map[string]string{"pull_requests": "write"})
	app := appOf(t, "12/345", keys()[0])
	login, err := app.Login(t.Context(), at)
	require.NoError(t, err)
	commented(s, "octocat", mark+"a trap")
	for _, text := range []string{"one", "two"} {
		at.Login = login
		at.Token, err = app.Token(t.Context(), at, github.CommentOn)
		require.NoError(t, err)
		r, err := github.Open(at)
		require.NoError(t, err)
		require.NoError(t, r.Comment(t.Context(), githubtest.PullRequest, "plan/shop", text))
	}
	require.Len(t, s.Comments, 2)
	assert.Equal(t, githubtest.AppLogin, s.Comments[1].User.Login)
	assert.Equal(t, mark+"two", s.Comments[1].Body)
}

func TestAnAppThatGetsNoTokenIsToldWhy(t *testing.T) {
	for name, c := range map[string]struct {
		ids   string
		key   *rsa.PrivateKey
		owner string
		want  string
		hint  string
	}{
		"another App":                 {"13/345", keys()[0], "", "must be the App ID", "must be of the same App"},
		"another key":                 {"12/345", keys()[1], "", "could not be decoded", "must be of the same App"},
		"no such installation":        {"12/346", keys()[0], "", "it answered 404", "githubApp.installationId"},
		"a right that it lacks":       {"12/345", keys()[0], "", "are not granted", "Deployments: write"},
		"the installation of another": {"12/345", keys()[0], "other-org", "is not that of my-org/shop", "githubApp.installationId"},
	} {
		s, at := installed(t, map[string]string{"contents": "read"})
		s.App.Owner = c.owner
		rights := github.Read
		if c.hint == "Deployments: write" {
			rights = github.Reports([]string{github.Deployments})
		}
		_, err := appOf(t, c.ids, c.key).Token(t.Context(), at, rights)
		require.ErrorContains(t, err, c.want, name)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), name)
		assert.Contains(t, errs.HintOf(err), c.hint, name)
	}
}

func TestWhatIsNoAppOrNoKeyIsRefusedWithoutShowingIt(t *testing.T) {
	for _, ids := range []string{"", "12", "12/", "/345", "0/345", "12/-1", "a/b", "12/345/6"} {
		_, err := github.NewApp(ids, pemOf(keys()[0]))
		assert.Equal(t, errs.Invalid, errs.KindOf(err), ids)
	}
	for _, key := range []string{"", "secret-text", "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0LXRleHQ=\n-----END RSA PRIVATE KEY-----\n"} {
		_, err := github.NewApp("12/345", key)
		assert.Equal(t, errs.Invalid, errs.KindOf(err))
		assert.NotContains(t, err.Error()+errs.HintOf(err), "c2VjcmV0")
		assert.NotContains(t, err.Error(), "secret-text")
	}
}
