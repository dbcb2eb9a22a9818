package github

import (
	"context"

	api "github.com/google/go-github/v89/github"
)

// State is the state of a commit, as far as a status says.
type State string

// The states of statuses and deployments (GitHub's documentation, "Create a commit status" and
// "Create a deployment status").
const (
	Pending State = "pending"
	Success State = "success"
	Failure State = "failure" // of the commit
	Error   State = "error"   // of something else
)

// mostOfDescription is how many characters a description has (GitHub's documentation, "Create
// a deployment status": 140; a commit status is refused with more).
const mostOfDescription = 140

// mostOfContext is how many characters a context has.
const mostOfContext = 255

// Status is what one context says about a commit.
type Status struct {
	Context     string
	State       State
	Description string // is cleaned and cut
	URL         string // of the page that it links to; "" is none
}

// SetStatus sets the status of a commit for its context.
func (r *Repository) SetStatus(ctx context.Context, commit string, s Status) error {
	status := api.RepoStatus{State: api.Ptr(string(s.State)), Context: api.Ptr(line(s.Context, mostOfContext)), Description: api.Ptr(line(s.Description, mostOfDescription))}
	if s.URL != "" {
		status.TargetURL = &s.URL
	}
	_, _, err := r.client.Repositories.CreateStatus(ctx, r.owner, r.name, commit, status)
	return explain(ctx, "setting the status "+*status.Context, setStatuses, err)
}

// ContextOf returns the context of an environment of a pipeline; "" is the run itself.
func ContextOf(pipeline, environment string) string {
	if environment == "" {
		return "aphex/" + pipeline
	}
	return "aphex/" + pipeline + "/" + environment
}

// Begin shows that a run of a commit has begun: by the statuses of these environments, or of
// the run itself if there are none. It ends with the first error.
func (r *Repository) Begin(ctx context.Context, commit, pipeline, page string, environments []string) error {
	for _, name := range orRun(environments) {
		description := "The run has begun"
		if name != "" {
			description = "Not deployed yet"
		}
		if err := r.SetStatus(ctx, commit, Status{ContextOf(pipeline, name), Pending, description, page}); err != nil {
			return err
		}
	}
	return nil
}

func orRun(environments []string) []string {
	if len(environments) == 0 {
		return []string{""}
	}
	return environments
}
