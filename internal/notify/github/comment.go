package github

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	api "github.com/google/go-github/v89/github"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Limits of a comment.
const (
	mostOfComment = 65536 // characters, as GitHub's API refuses a longer body
	mostOfMarker  = 200   // bytes
	// MostOfMarkdown is how many characters the Markdown of [Repository.Comment] may have.
	MostOfMarkdown = mostOfComment - mostOfMarker - len(beforeMarker) - len(afterMarker)
	// pagesOfComments is how many pages of a hundred comments are searched.
	pagesOfComments = 30
)

// A marker is hidden, and at the very beginning: what the Markdown quotes of others is no marker.
const (
	beforeMarker = "<!-- aphex "
	afterMarker  = " -->\n"
)

var marker = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

// Comment writes the comment of a pull request that has a marker: it edits the one that is
// there, if it is of the user of the token, and makes one otherwise. A marker has letters,
// digits and the characters . _ / -, names the pipeline, and is unique among what comments on
// the pull request.
func (r *Repository) Comment(ctx context.Context, number int, named, markdown string) error {
	if !marker.MatchString(named) || len(named) > mostOfMarker {
		return errs.Invalidf("%q is no marker of a comment", named)
	}
	if n := utf8.RuneCountInString(markdown); n > MostOfMarkdown {
		return errs.Invalidf("a comment has at most %d characters, not %d", MostOfMarkdown, n)
	}
	first := beforeMarker + named + afterMarker
	body := first + strings.ToValidUTF8(markdown, "\uFFFD")
	own, err := r.own(ctx, number, first)
	switch {
	case err != nil:
	case own == nil:
		_, _, err = r.client.Issues.CreateComment(ctx, r.owner, r.name, number, &api.IssueComment{Body: &body})
	case own.GetBody() == body:
	default:
		_, _, err = r.client.Issues.EditComment(ctx, r.owner, r.name, own.GetID(), &api.IssueComment{Body: &body})
	}
	return explain(ctx, "commenting on the pull request", comments, err)
}

// own returns the comment of the user of the token that begins with a text; nil is none.
func (r *Repository) own(ctx context.Context, number int, first string) (*api.IssueComment, error) {
	login, err := r.login(ctx)
	if err != nil {
		return nil, err
	}
	options := &api.IssueListCommentsOptions{ListOptions: api.ListOptions{PerPage: 100}}
	for range pagesOfComments {
		page, answer, err := r.client.Issues.ListComments(ctx, r.owner, r.name, number, options)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			// GitHub may write the ends of lines in its own way.
			if c.GetUser().GetLogin() == login && strings.HasPrefix(strings.ReplaceAll(c.GetBody(), "\r\n", "\n"), first) {
				return c, nil
			}
		}
		if answer.NextPage == 0 {
			return nil, nil
		}
		options.Page = answer.NextPage
	}
	return nil, nil
}

// loginOf returns a function that asks whose token it is, once it has an answer no more.
func loginOf(client *api.Client, known string) func(context.Context) (string, error) {
	var lock sync.Mutex
	return func(ctx context.Context) (string, error) {
		lock.Lock()
		defer lock.Unlock()
		if known == "" {
			user, _, err := client.Users.Get(ctx, "")
			if err != nil {
				return "", err
			}
			known = user.GetLogin()
		}
		return known, nil
	}
}
