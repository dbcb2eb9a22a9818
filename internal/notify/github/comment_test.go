package github_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/github"
	"github.com/aphex/aphex-pipeline/internal/notify/github/githubtest"
)

// commented adds a comment of a user.
func commented(s *githubtest.Server, login, body string) {
	c := githubtest.Comment{ID: int64(len(s.Comments) + 1), Body: body}
	c.User.Login = login
	s.Comments = append(s.Comments, c)
}

const mark = "<!-- aphex plan/shop -->\n"

func TestAPullRequestHasOneCommentThatIsEdited(t *testing.T) {
	s := githubtest.New(t)
	for range 250 {
		commented(s, "octocat", "looks good")
	}
	r := opened(t, s, "token")
	require.NoError(t, r.Comment(t.Context(), githubtest.PullRequest, "plan/shop", "one"))
	require.NoError(t, r.Comment(t.Context(), githubtest.PullRequest, "plan/shop", "two"))
	require.NoError(t, r.Comment(t.Context(), githubtest.PullRequest, "plan/market", "other"))
	require.Len(t, s.Comments, 252)
	assert.Equal(t, mark+"two", s.Comments[250].Body)
	before := len(s.Requests)
	require.NoError(t, r.Comment(t.Context(), githubtest.PullRequest, "plan/shop", "two"))
	for _, request := range s.Requests[before:] {
		assert.Regexp(t, "^GET ", request, "nothing has changed")
	}
}

func TestACommentOfAnotherOrThatQuotesAMarkerIsNotEdited(t *testing.T) {
	s := githubtest.New(t)
	commented(s, "octocat", mark+"a trap")
	commented(s, "bot", "> "+mark+"a quote")
	commented(s, "bot", "<!-- aphex plan/other -->\n"+mark)
	require.NoError(t, opened(t, s, "token").Comment(t.Context(), githubtest.PullRequest, "plan/shop", "one"))
	require.Len(t, s.Comments, 4)
	assert.Equal(t, mark+"one", s.Comments[3].Body)
	assert.Contains(t, s.Comments[0].Body, "a trap")
}

func TestACommentThatGitHubWouldRefuseIsNotSent(t *testing.T) {
	s := githubtest.New(t)
	r := opened(t, s, "token")
	require.NoError(t, r.Comment(t.Context(), githubtest.PullRequest, strings.Repeat("m", 200), strings.Repeat("é", github.MostOfMarkdown)))
	for named, markdown := range map[string]string{"plan/shop": strings.Repeat("é", github.MostOfMarkdown+1), "a --> b": "", "a\nb": "", "": "", strings.Repeat("m", 201): ""} {
		before := len(s.Requests)
		err := r.Comment(t.Context(), githubtest.PullRequest, named, markdown)
		assert.Equal(t, errs.Invalid, errs.KindOf(err), named)
		assert.Len(t, s.Requests, before)
	}
}

func TestARightToCommentThatIsMissingIsNamed(t *testing.T) {
	s := githubtest.New(t)
	s.Tokens["token"].Rights["pull_requests"] = "read"
	err := opened(t, s, "token").Comment(t.Context(), githubtest.PullRequest, "plan/shop", "x")
	assert.Contains(t, errs.HintOf(err), "Pull requests: write")
	assert.NotContains(t, err.Error(), s.URL)
}
