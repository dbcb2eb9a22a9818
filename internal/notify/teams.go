package notify

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// teams posts to a channel by the webhook of a workflow of Microsoft Teams.
type teams struct {
	poster Poster
	url    string
}

// Types of a message with an Adaptive Card. Texts are runs of rich text, in which nothing is
// evaluated: text blocks and facts would take Markdown for links.
type (
	teamsMessage struct {
		Type        string            `json:"type"`
		Attachments []teamsAttachment `json:"attachments"`
	}
	teamsAttachment struct {
		ContentType string    `json:"contentType"`
		Content     teamsCard `json:"content"`
	}
	teamsCard struct {
		Schema  string       `json:"$schema"`
		Type    string       `json:"type"`
		Version string       `json:"version"`
		Body    []teamsBlock `json:"body"`
		MSTeams struct {
			Width string `json:"width"`
		} `json:"msteams"`
	}
	teamsBlock struct {
		Type    string     `json:"type"`
		Inlines []teamsRun `json:"inlines"`
	}
	teamsRun struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Weight string `json:"weight,omitempty"`
		Size   string `json:"size,omitempty"`
		Color  string `json:"color,omitempty"`
	}
)

var teamsColors = map[event.Outcome]string{event.Succeeded: "good", event.Failed: "attention", event.Stopped: "warning", event.Superseded: "default"}

// Send posts the card of an event.
func (t teams) Send(ctx context.Context, e event.Event) error {
	m := messageOf(e)
	card := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4"}
	card.MSTeams.Width = "Full"
	add := func(runs ...teamsRun) { card.Body = append(card.Body, teamsBlock{"RichTextBlock", runs}) }
	run := func(text string) teamsRun { return teamsRun{Type: "TextRun", Text: text} }
	title := run(m.title)
	title.Weight, title.Size, title.Color = "bolder", "medium", teamsColors[m.outcome]
	add(title)
	for _, text := range []string{m.error, m.hint} {
		if text != "" {
			add(run(text))
		}
	}
	for _, f := range m.facts {
		name := run(f.name + ": ")
		name.Weight = "bolder"
		add(name, run(f.value))
	}
	body, err := json.Marshal(teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}})
	if err != nil {
		return fmt.Errorf("encoding the card: %w", err)
	}
	return t.poster.Post(ctx, t.url, body, nil)
}
