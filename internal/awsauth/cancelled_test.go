package awsauth_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/awsauth"
	"github.com/aphex/aphex-pipeline/internal/errs"
)

// inMemory passes calls to a handler without a network, which synctest cannot observe.
type inMemory struct{ handler http.Handler }

func (c inMemory) Do(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	c.handler.ServeHTTP(answer, r)
	return answer.Result(), nil
}

var assumed = awsauth.Role{ARN: "arn:aws:iam::111111111111:role/cdk-x-file-publishing-role"}

func TestACallerWaitingOnACancelledOneAssumesTheRoleItself(t *testing.T) {
	s, cfg := newStub(t)
	synctest.Test(t, func(t *testing.T) {
		cfg.HTTPClient = inMemory{s}
		var log bytes.Buffer
		e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, slog.New(slog.NewTextHandler(&log, nil)))
		require.NoError(t, err)
		asked, answer := 0, make(chan struct{})
		s.assume = func(url.Values) string {
			if asked++; asked == 1 {
				s.mu.Unlock()
				<-answer
				s.mu.Lock()
			}
			return ""
		}
		ctx, end := context.WithCancel(t.Context())
		first, second := make(chan error), make(chan error)
		go func() { _, err := e.Assume(ctx, assumed, "eu-west-1"); first <- err }()
		synctest.Wait() // the first caller is in its call
		go func() { _, err := e.Assume(t.Context(), assumed, "eu-west-1"); second <- err }()
		synctest.Wait() // the second one waits for the session of the first
		end()
		assert.Equal(t, errs.Cancelled, errs.KindOf(<-first))
		assert.NoError(t, <-second)
		assert.Empty(t, log.String())
		close(answer)
	})
}

func TestARoleThatDoesNotExistYetIsNotReplacedAndTriedAgain(t *testing.T) {
	s, cfg := newStub(t)
	var log bytes.Buffer
	e, err := awsauth.Assume(t.Context(), cfg, awsauth.Target{Account: "111111111111", Region: "eu-west-1"}, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	s.assume = func(url.Values) string { return "AccessDenied" }
	_, err = e.AssumeItself(t.Context(), assumed, "eu-west-1")
	require.ErrorContains(t, err, "may not assume "+assumed.ARN)
	assert.Empty(t, log.String())

	s.assume = func(url.Values) string { return "" }
	for range 2 {
		session, err := e.Assume(t.Context(), assumed, "eu-west-1")
		require.NoError(t, err)
		assert.Contains(t, session.ARN, "assumed-role/cdk-x-file-publishing-role")
	}
	_, err = e.AssumeItself(t.Context(), assumed, "us-east-1")
	require.NoError(t, err)
	assert.Len(t, s.asked, 2, "the session is the same")
}
