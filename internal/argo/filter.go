package argo

import (
	"regexp"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Values of a delivery that a run uses, as regular expressions. Argo replaces expressions
// in the values of parameters too, so that values with two braces in a row never pass.
// Commits of SHA-256 repositories have 64 digits, and cannot be checked out: go-git
// supports SHA-1 only.
const (
	commitText = `^[0-9a-f]{40}$`
	someCommit = `[1-9a-f]` // GitHub writes "no commit" as zeros

	// branchText matches what git-check-ref-format(1) allows except for what cannot be
	// passed on ({{) and invisible characters (separators, direction marks).
	branchText = `^((\{?[^{\pZ\pC]){1,244}\{?|\{)$`
)

// tagReference begins the reference of a tag. What follows is in the title of a run, and so
// has letters, digits and a few other characters only.
const (
	tagReference = "refs/tags/"
	tagText      = `^` + tagReference + `[\pL\pN._/+@-]{1,244}$`
)

// wanted matches the reasons for checking a pull request, as a list of its action and of
// its base branch before an edit: it has new commits, is reopened, or its base becomes the
// configured branch.
const (
	wanted     = `^\["(opened|synchronize|reopened)"|^\["edited","`
	wantedPath = "[body.action,body.changes.base.ref.from]"
)

// pushFilters pass pushes that move the configured branch of the configured repository to
// a commit. A tag has another ref; the deletion of the branch has no commit.
func (r *renderer) pushFilters() []eventsv1.DataFilter {
	return append(r.repositoryFilters("push"),
		text("body.ref", exactly("refs/heads/"+r.cfg.GithubBranch)),
		isFalse("body.deleted"),
		text("body.after", commitText),
		text("body.after", someCommit),
	)
}

// tagFilters pass pushes of the configured tags, to a commit: a tag of something else has no
// head_commit. Whether the commit is on the branch is for the validation to find out.
func (r *renderer) tagFilters() []eventsv1.DataFilter {
	return append(r.repositoryFilters("push"),
		text("body.ref", tagText),
		text("body.ref", "^"+tagReference+r.cfg.Triggers.TagPattern()+"$"),
		isFalse("body.deleted"),
		text("body.head_commit.id", commitText),
		text("body.head_commit.id", someCommit),
	)
}

// pullFilters pass pull requests with new commits of the repository itself for the
// configured branch. Those from forks do not pass: their authors have no write access to
// the repository.
func (r *renderer) pullFilters() []eventsv1.DataFilter {
	filters := append(r.repositoryFilters("pull_request"),
		text(wantedPath, wanted),
		text("body.pull_request.base.ref", exactly(r.cfg.GithubBranch)),
		text("body.pull_request.head.repo.full_name", r.repositoryText()),
		text("body.pull_request.head.sha", commitText),
		text("body.pull_request.head.sha", someCommit),
		text("body.pull_request.head.ref", branchText),
	)
	if plan.Comments(r.cfg) {
		filters = append(filters, text("body.number", `^[1-9][0-9]{0,8}$`)) // a number of JSON is compared as its text
	}
	return filters
}

// repositoryFilters pass one kind of event of the configured repository. The
// clone URL distinguishes it from the repository of that name on another GitHub host.
func (r *renderer) repositoryFilters(event string) []eventsv1.DataFilter {
	return []eventsv1.DataFilter{
		text("headers.X-Github-Event.0", exactly(event)),
		text("body.repository.full_name", r.repositoryText()),
		text("body.repository.clone_url", "(?i)"+exactly(plan.RepositoryURL(r.cfg))),
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
