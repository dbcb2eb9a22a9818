package github

import (
	"context"
	"encoding/json"

	api "github.com/google/go-github/v89/github"
)

// Deployment is what a run did to an environment.
type Deployment struct {
	Environment string // name at GitHub
	Run         string // name of the run, which has one deployment for the environment
	State       State
	Description string // is cleaned and cut
	LogURL      string // "" is none
}

// payload is what identifies the deployment of a run.
type payload struct {
	Run string `json:"run"`
}

// SetDeployment sets the state of the deployment of a run, and makes it if there is none.
func (r *Repository) SetDeployment(ctx context.Context, commit string, d Deployment) error {
	doing := "setting the deployment to " + line(d.Environment, mostOfContext)
	id, err := r.deployment(ctx, commit, d)
	if err != nil {
		return explain(ctx, doing, setDeployments, err)
	}
	request := api.DeploymentStatusRequest{State: string(d.State), Description: api.Ptr(line(d.Description, mostOfDescription))}
	if d.LogURL != "" {
		request.LogURL = &d.LogURL
	}
	_, _, err = r.client.Repositories.CreateDeploymentStatus(ctx, r.owner, r.name, id, request)
	return explain(ctx, doing, setDeployments, err)
}

// deployment returns the id of the deployment of the run.
func (r *Repository) deployment(ctx context.Context, commit string, d Deployment) (int64, error) {
	all, _, err := r.client.Repositories.ListDeployments(ctx, r.owner, r.name, &api.DeploymentsListOptions{
		SHA: commit, Environment: d.Environment, ListOptions: api.ListOptions{PerPage: 100},
	})
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		var of payload
		if json.Unmarshal(one.Payload, &of) == nil && of.Run == d.Run {
			return one.GetID(), nil
		}
	}
	made, _, err := r.client.Repositories.CreateDeployment(ctx, r.owner, r.name, api.DeploymentRequest{
		Ref: commit, Environment: &d.Environment, Payload: payload{d.Run}, AutoMerge: api.Ptr(false),
		RequiredContexts: []string{}, // it happened, whatever statuses the commit has
	})
	if err != nil {
		return 0, err
	}
	return made.GetID(), nil
}
