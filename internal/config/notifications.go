package config

import (
	"fmt"
	"slices"
)

// Notification is one target that is told what came of runs, and of which.
type Notification struct {
	// A topic of Amazon SNS, of any account. Subscribers by mail get a text, all others the
	// event as JSON.
	SNS *TopicTarget `json:"sns,omitempty"`

	// A channel of Slack.
	Slack *ChatTarget `json:"slack,omitempty"`

	// A channel of Microsoft Teams.
	Teams *ChatTarget `json:"teams,omitempty"`

	// A server that gets the event as a CloudEvent 1.0 in JSON.
	Webhook *WebhookTarget `json:"webhook,omitempty"`

	// The repository of the pipeline at GitHub, which shows what comes of every run. It uses
	// the token of the repository, whose rights it needs: see `report`.
	GitHub *GitHubTarget `json:"github,omitempty"`

	// What it is told: `failed` runs, the first run that succeeded after a failed one
	// (`recovered`), every run that `succeeded`, runs that a person `stopped`, and runs that were
	// `superseded` by a newer one before they deployed.
	Events []string `json:"events,omitempty" default:"failed,recovered" oneof:"failed,recovered,succeeded,stopped,superseded" example:"[failed, succeeded]"`

	// Only runs whose deployment to one of these environments began. Without it, also runs
	// that ended before.
	Environments []string `json:"environments,omitempty" rule:"environmentName" example:"[prod]"`
}

// TopicTarget is a topic of Amazon SNS.
type TopicTarget struct {
	// The ARN of the topic.
	TopicARN string `json:"topicArn" need:"always" rule:"topicArn" example:"arn:aws:sns:eu-west-1:111111111111:deployments"`
}

// ChatTarget is a channel of a chat, by the webhook that posts to it.
type ChatTarget struct {
	// The name of the secret in Secrets Manager with the URL of the channel's webhook: the
	// URL alone, or `{"url": "…"}`.
	SecretName string `json:"secretName" need:"always" rule:"secretName" example:"shop/slack"`
}

// WebhookTarget is a server that takes events.
type WebhookTarget struct {
	// The URL of the server.
	URL string `json:"url,omitempty" rule:"webhookUrl" example:"https://events.example.com/aphex"`

	// The name of the secret in Secrets Manager with the URL, in place of `url`: the URL
	// alone, or `{"url": "…"}`.
	SecretName string `json:"secretName,omitempty" rule:"secretName" example:"shop/events-url"`

	// The name of the secret in Secrets Manager with which events are signed by HMAC-SHA256:
	// the text alone, or `{"secret": "…"}`.
	SigningSecretName string `json:"signingSecretName,omitempty" rule:"secretName" example:"shop/events-key"`
}

// GitHubTarget is the repository of the pipeline at GitHub.
type GitHubTarget struct {
	// What it shows. `statuses` are those of the commit, one for the run and one for each
	// environment: the token needs the permission `Commit statuses: write`. `deployments` are
	// those of the environments: `Deployments: write`.
	Report []string `json:"report" need:"always" oneof:"statuses,deployments" example:"[statuses, deployments]"`
}

// Kinds of targets, as their keys.
const (
	GitHub  = "github"
	SNS     = "sns"
	Slack   = "slack"
	Teams   = "teams"
	Webhook = "webhook"
)

// Kinds returns the keys of the targets that a notification has. A valid one has one.
func (n Notification) Kinds() (kinds []string) {
	for kind, set := range map[string]bool{SNS: n.SNS != nil, Slack: n.Slack != nil, Teams: n.Teams != nil, Webhook: n.Webhook != nil, GitHub: n.GitHub != nil} {
		if set {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return kinds
}

// Secrets returns the names of the secrets that the target needs, of Secrets Manager.
func (n Notification) Secrets() []string {
	var names []string
	for _, chat := range []*ChatTarget{n.Slack, n.Teams} {
		if chat != nil {
			names = append(names, chat.SecretName)
		}
	}
	if n.Webhook != nil {
		names = append(names, n.Webhook.SecretName, n.Webhook.SigningSecretName)
	}
	return slices.DeleteFunc(names, func(name string) bool { return name == "" })
}

// checkNotifications requires exactly one target of each notification and environments that
// exist, and refuses the token of the repository as a secret of a target.
func checkNotifications(c *Config, r *report) {
	for i, n := range c.Notifications {
		path := fmt.Sprintf("notifications[%d]", i)
		if kinds := n.Kinds(); len(kinds) != 1 && !r.reportedIn(path) {
			r.atPath(path, "%s has %d targets: expected one of sns, slack, teams, webhook and github", lastOf(path), len(kinds)).
				Hint = "for example {slack: {secretName: shop/slack}}; list each target on its own"
		}
		if w := n.Webhook; w != nil && (w.URL == "") == (w.SecretName == "") && !r.reportedIn(path+".webhook") {
			r.atPath(path+".webhook", "webhook has no address or two: expected either url or secretName").
				Hint = "for example {url: https://events.example.com/aphex}"
		}
		if name := c.RepositorySecret(); name != "" && slices.Contains(n.Secrets(), name) {
			r.atPath(path, "%s is sent the secret that opens the repository: expected a secret of its own", lastOf(path)).
				Hint = "create a secret for the target"
		}
		checkGitHub(c, r, path, n)
		checkTwice(r, "event", path+".events[%d]", n.Events)
		checkTwice(r, "environment", path+".environments[%d]", n.Environments)
		for j, name := range n.Environments {
			if !slices.Contains(c.EnvironmentNames(), name) && holds("environmentName", name) {
				r.atPath(fmt.Sprintf("%s.environments[%d]", path, j), "unknown environment %s: expected one of the environments", quote(name)).
					Hint = r.suggest(name, c.EnvironmentNames())
			}
		}
	}
}

// GitHubTarget returns the repository as a target of notifications; nil if it is none.
func (c *Config) GitHubTarget() *GitHubTarget {
	for _, n := range c.Notifications {
		if n.GitHub != nil {
			return n.GitHub
		}
	}
	return nil
}

// checkGitHub requires a repository and a token for a target at GitHub, and that it is the only
// one. It shows every run.
func checkGitHub(c *Config, r *report, path string, n Notification) {
	if n.GitHub == nil {
		return
	}
	checkTwice(r, "report", path+".github.report[%d]", n.GitHub.Report)
	if c.GitHubTarget() != n.GitHub {
		r.atPath(path+".github", "github is listed twice: expected one target for the repository").Hint = "list all that it shows in its report"
	}
	if c.GithubOwner == "" || c.GithubRepo == "" || c.RepositorySecret() == "" {
		r.atPath(path+".github", "github is a target, but no token of the repository is configured: expected githubOwner, githubRepo and githubTokenSecretName or githubApp").
			Hint = "set all of them"
	}
	for _, key := range []string{"events", "environments"} {
		if _, set := r.nodes[path+"."+key]; set {
			r.atPath(path+"."+key, "%s is not for github, which shows every run: expected github alone", key).Hint = "remove it"
		}
	}
}
