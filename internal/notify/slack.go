package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// slack posts to a channel by an incoming webhook of Slack.
type slack struct {
	poster Poster
	url    string
}

// Types of Slack's Block Kit.
type (
	slackMessage struct {
		Text   string       `json:"text"` // of the notification on a device; Slack evaluates it
		Blocks []slackBlock `json:"blocks"`
	}
	slackBlock struct {
		Type   string      `json:"type"`
		Text   *slackText  `json:"text,omitempty"`
		Fields []slackText `json:"fields,omitempty"`
	}
	slackText struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Emoji *bool  `json:"emoji,omitempty"`
	}
)

// escapeSlack escapes the characters with which Slack marks links, mentions and commands
// such as <!channel> (Slack's documentation, "Formatting message text").
var escapeSlack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// Limits of Block Kit, in characters of the escaped text.
const (
	mostOfHeader  = 150
	mostOfSection = 3000
	mostOfField   = 2000
)

// plainSlack is a text that Slack shows as it is: nobody is mentioned, nothing is a link.
func plainSlack(text string, most int) *slackText {
	for escaped := escapeSlack.Replace(text); utf8.RuneCountInString(escaped) > most; escaped = escapeSlack.Replace(text) {
		text = cut(text, utf8.RuneCountInString(text)*9/10)
	}
	return &slackText{Type: "plain_text", Text: escapeSlack.Replace(text), Emoji: new(bool)}
}

var slackMarks = map[event.Outcome]string{event.Succeeded: "✔ ", event.Failed: "✖ ", event.Stopped: "■ ", event.Superseded: "» "}

// Send posts the message of an event.
func (s slack) Send(ctx context.Context, e event.Event) error {
	m := messageOf(e)
	title := slackMarks[m.outcome] + m.title
	out := slackMessage{Text: escapeSlack.Replace(title), Blocks: []slackBlock{{Type: "header", Text: plainSlack(title, mostOfHeader)}}}
	for _, text := range []string{m.error, m.hint} {
		if text != "" {
			out.Blocks = append(out.Blocks, slackBlock{Type: "section", Text: plainSlack(text, mostOfSection)})
		}
	}
	var fields []slackText
	for _, f := range m.facts {
		fields = append(fields, *plainSlack(f.name+": "+f.value, mostOfField))
	}
	out.Blocks = append(out.Blocks, slackBlock{Type: "section", Fields: fields})
	body, err := json.Marshal(out)
	if err != nil {
		return fmt.Errorf("encoding the message: %w", err)
	}
	return s.poster.Post(ctx, s.url, body, nil)
}
