package github_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
	"github.com/aphex/aphex-pipeline/internal/notify/github"
	"github.com/aphex/aphex-pipeline/internal/notify/github/githubtest"
)

func opened(t *testing.T, s *githubtest.Server, token string) *github.Repository {
	t.Helper()
	r, err := github.Open(github.Options{URL: s.Repository(), Host: s.Host(), Token: token, Transport: s.Client().Transport})
	require.NoError(t, err)
	return r
}

func target(t *testing.T, s *githubtest.Server) *github.Target {
	t.Helper()
	return github.NewTarget(opened(t, s, "token"), []string{github.Statuses, github.Deployments})
}

const page = "https://argo.example.com/workflows/argo/shop-1"

// failed is a run that deployed dev, failed in prod, and never came to last.
func failed() event.Event {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return event.New(event.Finished, "s3://artifacts", at, event.Run{
		Pipeline: "shop", Run: "shop-1", Outcome: event.Failed, Commit: githubtest.Commit, Created: at.Add(-time.Hour), Ended: at, URL: page,
		Error: "deploy-prod: stack Api: " + strings.Repeat("é", 200),
		Environments: []event.Environment{
			{Name: "dev", Outcome: event.Succeeded, Started: at.Add(-90 * time.Second), Ended: at},
			{Name: "prod", Outcome: event.Failed, Error: "stack \x1b[31mApi\x1b[0m:\r\n\u202e<b>😀 \x00failed"},
		},
		NotReached: []string{"last"},
	})
}

func TestTheEndOfARunIsShownForTheRunAndEachEnvironment(t *testing.T) {
	s := githubtest.New(t)
	require.NoError(t, target(t, s).Send(t.Context(), failed()))
	last := s.Last()
	require.Len(t, last, 4)
	assert.Equal(t, githubtest.Status{Context: "aphex/shop/dev", State: "success", Description: "Deployed in 1m30s", TargetURL: page}, last["aphex/shop/dev"])
	run := last["aphex/shop"]
	assert.Equal(t, "failure", run.State)
	assert.Equal(t, 140, utf8.RuneCountInString(run.Description))
	assert.Contains(t, run.Description, "deploy-prod: stack Api: é")
	assert.Equal(t, githubtest.Status{Context: "aphex/shop/prod", State: "failure", Description: `stack Api: \u202e<b>` + "\uFFFD" + ` \x00failed`, TargetURL: page}, last["aphex/shop/prod"])
	assert.Equal(t, "error", last["aphex/shop/last"].State)
	assert.Contains(t, last["aphex/shop/last"].Description, "Not deployed: the run ended before. deploy-prod")

	require.Len(t, s.Deployments, 2, "of environments whose deployment began")
	for i, want := range []struct{ environment, state string }{{"shop/prod", "failure"}, {"shop/dev", "success"}} {
		d := s.Deployments[i]
		assert.Equal(t, want.environment, d.Environment)
		require.Len(t, d.States, 1)
		assert.Equal(t, []string{want.state, page}, []string{d.States[0].State, d.States[0].LogURL})
	}
}

func TestEachOutcomeHasATerminalState(t *testing.T) {
	for outcome, want := range map[event.Outcome][2]string{
		event.Succeeded: {"success", "Succeeded in 1h0m0s"}, event.Stopped: {"error", "Stopped"}, event.Superseded: {"error", "Superseded by a newer run before it deployed"},
		event.Skipped: {"success", "Nothing to deploy: no file changed"}, event.Failed: {"failure", "validate: no"},
	} {
		s := githubtest.New(t)
		e := failed()
		e.Data.Outcome, e.Data.Environments, e.Data.Skipped, e.Data.Error = outcome, nil, "no file changed", "validate: no"
		require.NoError(t, target(t, s).Send(t.Context(), e))
		assert.Equal(t, want, [2]string{s.Last()["aphex/shop"].State, s.Last()["aphex/shop"].Description}, outcome)
		assert.NotEqual(t, "pending", s.Last()["aphex/shop/last"].State)
	}
	s := githubtest.New(t)
	e := failed()
	e.Data.Check, e.Data.Outcome, e.Data.Environments, e.Data.NotReached, e.Data.URL = true, event.Succeeded, nil, nil, ""
	require.NoError(t, target(t, s).Send(t.Context(), e))
	assert.Equal(t, []githubtest.Status{{Context: "aphex/shop", State: "success", Description: "The commit is valid", SHA: githubtest.Commit}}, s.Statuses)
}

func TestTheBeginningOfARunIsPending(t *testing.T) {
	s := githubtest.New(t)
	r := opened(t, s, "token")
	require.NoError(t, r.Begin(t.Context(), githubtest.Commit, "shop", "", nil))
	require.NoError(t, r.Begin(t.Context(), githubtest.Commit, "shop", page, []string{"dev", "prod"}))
	last := s.Last()
	assert.Equal(t, githubtest.Status{Context: "aphex/shop", State: "pending", Description: "The run has begun"}, last["aphex/shop"])
	assert.Equal(t, githubtest.Status{Context: "aphex/shop/prod", State: "pending", Description: "Not deployed yet", TargetURL: page}, last["aphex/shop/prod"])
}

func TestWhatWasSentIsNotSentAgain(t *testing.T) {
	s := githubtest.New(t)
	s.Creations, s.RetryAfter = 3, 5
	e := failed()
	sent := target(t, s)
	err := sent.Send(t.Context(), e)
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
	var asked errs.RetryAfter
	require.ErrorAs(t, err, &asked)
	assert.InDelta(t, 5, asked.After.Seconds(), 1)
	assert.Len(t, s.Statuses, 3)
	s.Set(func(s *githubtest.Server) { s.Creations = 100 })

	before := len(s.Requests)
	require.Error(t, sent.Send(t.Context(), e), "the client waits as long as it was asked to")
	assert.Len(t, s.Requests, before)
	again := target(t, s)
	require.NoError(t, again.Send(t.Context(), e))
	require.NoError(t, again.Send(t.Context(), e))
	assert.Len(t, s.Deployments, 2)
	assert.Len(t, s.Statuses, 7)

	require.NoError(t, target(t, s).Send(t.Context(), e), "another pod of the same step")
	require.Len(t, s.Deployments, 2, "a run has one deployment for an environment")
	assert.Len(t, s.Deployments[0].States, 2)
}

func TestARateLimitSaysWhenItEnds(t *testing.T) {
	s := githubtest.New(t)
	s.Remaining = 1
	err := target(t, s).Send(t.Context(), failed())
	require.ErrorContains(t, err, "the rate limit of the token is used up")
	var asked errs.RetryAfter
	require.ErrorAs(t, err, &asked)
	assert.InDelta(t, 30*time.Minute, asked.After, float64(5*time.Second))
	assert.Equal(t, errs.Temporary, errs.KindOf(err))
	assert.Len(t, s.Requests, 1, "the client knows that no more are left")
}

func TestAMissingRightIsNamedOnceAndTheRestIsShown(t *testing.T) {
	for right, want := range map[string]string{"statuses": "Commit statuses: write", "deployments": "Deployments: write"} {
		s := githubtest.New(t)
		delete(s.Tokens["token"].Rights, right)
		err := target(t, s).Send(t.Context(), failed())
		require.ErrorContains(t, err, "the token has no right to do it")
		assert.Equal(t, errs.Failed, errs.KindOf(err))
		assert.Contains(t, errs.HintOf(err), want)
		assert.NotContains(t, err.Error(), "more", "one warning")
		if right == "statuses" {
			assert.Empty(t, s.Statuses)
			assert.Len(t, s.Deployments, 2)
			assert.Len(t, s.Requests, 7)
		} else {
			assert.Len(t, s.Statuses, 4)
			assert.Empty(t, s.Deployments)
		}
	}
	s := githubtest.New(t)
	s.Tokens["token"].Expires = time.Now().Add(-time.Minute)
	err := target(t, s).Send(t.Context(), failed())
	require.ErrorContains(t, err, "GitHub does not know the token")
	assert.Len(t, s.Requests, 1)
}

func TestWhatGitHubRefusesKeepsNothingElseFromBeingShown(t *testing.T) {
	s := githubtest.New(t)
	for range 1000 {
		s.Statuses = append(s.Statuses, githubtest.Status{Context: "aphex/shop/dev"}, githubtest.Status{Context: "aphex/shop/last"})
	}
	err := target(t, s).Send(t.Context(), failed())
	require.ErrorContains(t, err, "setting the status aphex/shop/dev: GitHub refused it: it answered 422")
	require.ErrorContains(t, err, "; and 1 more")
	assert.Equal(t, errs.Failed, errs.KindOf(err))
	assert.Equal(t, "failure", s.Last()["aphex/shop/prod"].State)
	assert.Len(t, s.Deployments, 2)
}

func TestAServerThatIsDownSlowOrAnswersGarbageIsTemporary(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"it answered 502": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true },
		"the answer is not one of GitHub's API": func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte("<html>"))
			return true
		},
		"connecting to GitHub: EOF": func(w http.ResponseWriter, _ *http.Request) bool {
			if connection, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = connection.Close()
			}
			return true
		},
		"GitHub did not answer in time": func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true },
		"it ends in 7s": func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		},
	} {
		s := githubtest.New(t)
		s.Answer = answer
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := target(t, s).Send(ctx, failed())
		cancel()
		require.ErrorContains(t, err, name)
		assert.Equal(t, errs.Temporary, errs.KindOf(err), name)
		assert.NotContains(t, err.Error(), s.URL, name)
	}
}

func TestATokenIsSentToItsHostAlone(t *testing.T) {
	var leaked []string
	s, other := githubtest.New(t), githubtest.New(t)
	other.Answer = func(_ http.ResponseWriter, r *http.Request) bool {
		leaked = append(leaked, r.Header.Get("Authorization"))
		return false
	}
	s.Answer = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	}
	err := opened(t, s, "token").SetStatus(t.Context(), githubtest.Commit, github.Status{Context: "a", State: github.Success})
	require.ErrorContains(t, err, "GitHub redirects to another server, which does not get the token")
	assert.Empty(t, leaked)
	for _, url := range []string{"https://github.com/o/r", "http://" + s.Host() + "/o/r", "https://user@" + s.Host() + "/o/r", s.URL + "/o", s.URL + "/o/r/x", s.URL + "/../r", "file:///o/r", ""} {
		_, err := github.Open(github.Options{URL: url, Host: s.Host(), Token: "token"})
		assert.Equal(t, errs.Invalid, errs.KindOf(err), url)
	}
	_, err = github.Open(github.Options{URL: s.Repository(), Host: s.Host()})
	assert.Equal(t, errs.Invalid, errs.KindOf(err), "no token")
}

func TestTheAddressOfTheAPIFollowsFromTheHost(t *testing.T) {
	for host, want := range map[string]string{
		"github.com": "api.github.com/repos/o/r", "my-org.ghe.com": "api.my-org.ghe.com/repos/o/r", "github.example.com:8443": "github.example.com:8443/api/v3/repos/o/r",
	} {
		var asked string
		r, err := github.Open(github.Options{URL: "https://" + host + "/o/r.git", Host: host, Token: "t", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked = r.URL.Host + r.URL.Path
			assert.Equal(t, "https", r.URL.Scheme)
			assert.Equal(t, "Bearer t", r.Header.Get("Authorization"))
			return nil, errors.New("offline")
		})})
		require.NoError(t, err)
		require.Error(t, r.Reach(t.Context()))
		assert.Equal(t, want, asked)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func TestATestReachesTheRepositoryAndShowsNothing(t *testing.T) {
	s := githubtest.New(t)
	e := event.New(event.Test, "generator", time.Now(), event.Run{Pipeline: "shop", Run: "test"})
	require.NoError(t, target(t, s).Send(t.Context(), e))
	assert.Equal(t, []string{"GET /api/v3/repos/my-org/shop"}, s.Requests)
}
