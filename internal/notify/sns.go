package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// Publication is a message for a topic of Amazon SNS.
type Publication struct {
	Topic      string            // ARN
	Subject    string            // of a mail
	Message    string            // JSON: the text for each protocol
	Attributes map[string]string // by which subscriptions filter
}

// topic publishes to a topic.
type topic struct {
	arn     string
	publish func(context.Context, Publication) error
}

// Send publishes an event: as a text to people, and as JSON to programs.
func (t topic) Send(ctx context.Context, e event.Event) error {
	whole, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding the event: %w", err)
	}
	m := messageOf(e)
	message, err := json.Marshal(map[string]string{"default": string(whole), "email": m.text(), "sms": cut(m.title, mostOfTitle)})
	if err != nil {
		return fmt.Errorf("encoding the message: %w", err)
	}
	attributes := map[string]string{"type": string(e.Type), "pipeline": e.Data.Pipeline, "outcome": string(e.Data.Outcome)}
	return t.publish(ctx, Publication{Topic: t.arn, Subject: subjectOf(m.title), Message: string(message), Attributes: attributes})
}

// subjectOf returns a text as SNS accepts it as a subject: up to 99 printable characters of
// ASCII, the first not a space (API reference, Publish, Subject).
func subjectOf(text string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, strings.TrimSpace(text))
	return ascii[:min(len(ascii), 99)]
}
