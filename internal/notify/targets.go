package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// Clients are what targets work with.
type Clients struct {
	Poster Poster
	// Secret reads a secret of Secrets Manager by its name, and masks it from then on.
	Secret func(ctx context.Context, name string) (string, error)
	// Publish publishes to a topic.
	Publish func(context.Context, Publication) error
	// GitHub returns a target that shows some things in the repository of the pipeline.
	GitHub func(ctx context.Context, shows []string) (Target, error)
}

// Subscriptions returns the targets of a configuration, in its order.
func Subscriptions(all []config.Notification, clients Clients) []Subscription {
	var subscriptions []Subscription
	seen := map[string]int{}
	for _, n := range all {
		name := strings.Join(n.Kinds(), "-")
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		subscriptions = append(subscriptions, Subscription{
			Name: name, Wants: func(e event.Event) bool { return wants(n, e) }, Open: func(ctx context.Context) (Target, error) { return clients.open(ctx, n) },
		})
	}
	return subscriptions
}

// Parse reads targets as the configuration has them, in JSON; "" is none.
func Parse(text string) ([]config.Notification, error) {
	if text == "" {
		return nil, nil
	}
	var all []config.Notification
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, errs.Invalidf("reading the targets of notifications: %w", err)
	}
	return all, nil
}

// wants reports whether a target is told about an event: a test always, and the end of a run
// that deploys by itself if it lists it.
func wants(n config.Notification, e event.Event) bool {
	run := e.Data
	switch {
	case e.Type == event.Test:
		return true
	case n.GitHub != nil: // every run that ends, and none that goes on in another one
		return e.Type == event.Finished && run.HandedOver == ""
	case e.Type != event.Finished || run.Check || run.HandedOver != "":
		return false
	case len(n.Environments) > 0 && !run.Reaches(n.Environments):
		return false
	}
	return slices.Contains(n.Events, string(run.Outcome)) || run.Recovered && slices.Contains(n.Events, "recovered")
}

// open makes the target of a notification.
func (c Clients) open(ctx context.Context, n config.Notification) (Target, error) {
	switch {
	case n.SNS != nil:
		return topic{n.SNS.TopicARN, c.Publish}, nil
	case n.Slack != nil:
		url, err := c.secret(ctx, n.Slack.SecretName, "url")
		return slack{c.Poster, url}, err
	case n.Teams != nil:
		url, err := c.secret(ctx, n.Teams.SecretName, "url")
		return teams{c.Poster, url}, err
	case n.Webhook != nil:
		return c.webhook(ctx, *n.Webhook)
	case n.GitHub != nil:
		return c.GitHub(ctx, n.GitHub.Report)
	}
	return nil, errs.Invalidf("the notification has no target")
}

func (c Clients) webhook(ctx context.Context, w config.WebhookTarget) (Target, error) {
	target := webhook{poster: c.Poster, url: w.URL}
	var err error
	if w.SecretName != "" {
		if target.url, err = c.secret(ctx, w.SecretName, "url"); err != nil {
			return nil, err
		}
	}
	if w.SigningSecretName != "" {
		secret, err := c.secret(ctx, w.SigningSecretName, "secret")
		if err != nil {
			return nil, err
		}
		if target.key, err = keyOf(secret); err != nil {
			return nil, err
		}
	}
	return target, nil
}

// secret reads a secret that is a text, or a JSON object with the text under a key.
func (c Clients) secret(ctx context.Context, name, key string) (string, error) {
	text, err := c.Secret(ctx, name)
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		var members map[string]string
		if json.Unmarshal([]byte(text), &members) != nil || members[key] == "" {
			return "", errs.Invalidf("the secret %s has no text under the key %q", name, key).WithHint("store it as a text, or as a JSON object with that key")
		}
		return strings.TrimSpace(members[key]), nil
	}
	if text == "" {
		return "", errs.Invalidf("the secret %s is empty", name)
	}
	return text, nil
}
