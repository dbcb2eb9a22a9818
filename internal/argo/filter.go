package argo

import (
	"regexp"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
)

// Texts of a delivery that a run takes over, as regular expressions. Argo
// replaces expressions in the values of parameters too, so a value with braces
// is never let through; GitHub gives out no such commit and no such login.
const (
	commitText = `^[0-9a-f]{40}([0-9a-f]{24})?$`
	branchText = `^[^{}\s\x00-\x1f\x7f]{1,244}$`
	loginText  = `^[A-Za-z0-9][A-Za-z0-9._\[\]-]{0,99}$`
)

// pushFilters let a push pass that moves the configured branch of the
// configured repository to a commit. A tag has another ref; the deletion of the
// branch moves it to no commit.
func (r *renderer) pushFilters() []eventsv1.DataFilter {
	return []eventsv1.DataFilter{
		text("headers.X-Github-Event.0", "^push$"),
		text("body.repository.full_name", r.repositoryText()),
		text("body.ref", exactly("refs/heads/"+r.cfg.GithubBranch)),
		isFalse("body.deleted"),
		text("body.after", commitText),
		text("body.pusher.name", loginText),
	}
}

// pullFilters let a pull request pass that wants to bring new commits of the
// repository itself to the configured branch. One from a fork does not pass: its
// commit is of somebody who has no right to the repository.
func (r *renderer) pullFilters() []eventsv1.DataFilter {
	return []eventsv1.DataFilter{
		text("headers.X-Github-Event.0", "^pull_request$"),
		text("body.action", "^(opened|synchronize|reopened)$"),
		text("body.repository.full_name", r.repositoryText()),
		text("body.pull_request.base.ref", exactly(r.cfg.GithubBranch)),
		text("body.pull_request.head.repo.full_name", r.repositoryText()),
		text("body.pull_request.head.sha", commitText),
		text("body.pull_request.head.ref", branchText),
		text("body.sender.login", loginText),
	}
}

// repositoryText matches the name of the repository; GitHub ignores its case.
func (r *renderer) repositoryText() string {
	return "(?i)" + exactly(r.cfg.GithubOwner+"/"+r.cfg.GithubRepo)
}

func exactly(text string) string { return "^" + regexp.QuoteMeta(text) + "$" }

func text(path, pattern string) eventsv1.DataFilter {
	return eventsv1.DataFilter{Path: path, Type: eventsv1.JSONTypeString, Value: []string{pattern}}
}

func isFalse(path string) eventsv1.DataFilter {
	return eventsv1.DataFilter{Path: path, Type: eventsv1.JSONTypeBool, Value: []string{"false"}}
}
