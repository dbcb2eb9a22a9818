package github

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	api "github.com/google/go-github/v89/github"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// right is a permission of a token, as GitHub names it in its settings.
type right string

// The rights that reports need.
const (
	readMetadata   right = "Metadata: read"
	setStatuses    right = "Commit statuses: write"
	setDeployments right = "Deployments: write"
	comments       right = "Pull requests: write"
)

// denied is the cause of an error of a token that lacks a right.
type denied struct{ error }

// Unwrap returns the answer.
func (d denied) Unwrap() error { return d.error }

// unknown is the cause of an error of a token that GitHub does not know.
type unknown struct{ error }

// Unwrap returns the answer.
func (u unknown) Unwrap() error { return u.error }

// explain says what GitHub answered, and what to do about it. Its text has no secret and no
// URL; the kind is Temporary if another attempt makes sense.
func explain(ctx context.Context, doing string, needed right, err error) error {
	var primary *api.RateLimitError
	var secondary *api.AbuseRateLimitError
	var answer *api.ErrorResponse
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		return errs.Temporaryf("%s: GitHub did not answer in time", doing)
	case errors.As(err, &primary):
		return limited(doing, "the rate limit of the token is used up", time.Until(primary.Rate.Reset.Time))
	case errors.As(err, &secondary):
		return limited(doing, "GitHub's secondary rate limit is reached", secondary.GetRetryAfter())
	case errors.As(err, &answer):
		return answered(doing, needed, answer)
	case errors.As(err, new(*api.RedirectionError)):
		return errs.Failedf("%s: GitHub redirects to another server, which does not get the token", doing).WithHint("check githubHost, githubOwner and githubRepo")
	case errors.As(err, new(*json.SyntaxError)), errors.As(err, new(*json.UnmarshalTypeError)), errors.Is(err, io.ErrUnexpectedEOF):
		return errs.Temporaryf("%s: the answer is not one of GitHub's API", doing)
	}
	var from *url.Error
	if errors.As(err, &from) {
		err = from.Err // without the URL
	}
	return errs.Temporaryf("%s: connecting to GitHub: %s", doing, err)
}

// longest bounds what GitHub may ask to wait for.
const longest = 24 * time.Hour

func limited(doing, what string, after time.Duration) error {
	after = min(max(after, time.Second), longest)
	return errs.Temporaryf("%s: %w", doing, errs.RetryAfter{Err: errors.New(what + "; it ends in " + after.Round(time.Second).String()), After: after}).
		WithHint("let fewer pipelines share the token, or use a GitHub App")
}

// answered explains an answer that is an error.
func answered(doing string, needed right, answer *api.ErrorResponse) error {
	status := answer.Response.StatusCode
	switch {
	case status == http.StatusUnauthorized:
		return errs.Failedf("%s: GitHub does not know the token: %w", doing, unknown{errors.New(said(answer))}).WithHint("store a valid one in the secret of githubTokenSecretName")
	case status == http.StatusForbidden, status == http.StatusNotFound:
		return errs.Failedf("%s: the token has no right to do it: %w", doing, denied{errors.New(said(answer))}).
			WithHint("give the token of this repository the permission %s", needed)
	case status == http.StatusUnprocessableEntity:
		return errs.Failedf("%s: GitHub refused it: %s", doing, said(answer))
	case status == http.StatusTooManyRequests, status >= 500:
		if seconds, err := strconv.Atoi(answer.Response.Header.Get("Retry-After")); err == nil && seconds > 0 {
			return limited(doing, said(answer), time.Duration(min(seconds, 1<<20))*time.Second)
		}
		return errs.Temporaryf("%s: %s", doing, said(answer))
	}
	return errs.Failedf("%s: %s", doing, said(answer))
}

// mostOfAnswerShown is how much of a message of the server is repeated, in characters.
const mostOfAnswerShown = 300

// said returns the status of an answer and its messages, as one line.
func said(answer *api.ErrorResponse) string {
	parts := []string{answer.Message}
	for _, one := range answer.Errors {
		text := one.Message
		if text == "" {
			text = strings.Join([]string{one.Field, one.Code}, " ")
		}
		parts = append(parts, text)
	}
	status := "it answered " + strconv.Itoa(answer.Response.StatusCode)
	if text := line(strings.Trim(strings.Join(parts, ": "), ": "), mostOfAnswerShown); text != "" {
		return status + " (" + text + ")"
	}
	return status
}
