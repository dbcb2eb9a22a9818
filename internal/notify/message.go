package notify

import (
	"strings"
	"time"

	"github.com/aphex/aphex-pipeline/internal/notify/event"
)

// message is an event for people, in plain text that no format has escaped yet.
type message struct {
	title   string
	outcome event.Outcome
	facts   []fact
	error   string
	hint    string
}

type fact struct{ name, value string }

// Limits of the texts of a message, in characters, below those of all targets.
const (
	mostOfTitle = 140
	mostOfFact  = 300
	mostOfError = 1500
	mostOfHint  = 500
	mostListed  = 20 // environments
)

// messageOf describes an event.
func messageOf(e event.Event) message {
	run := e.Data
	m := message{title: cut(titleOf(e), mostOfTitle), outcome: run.Outcome, error: cut(run.Error, mostOfError), hint: cut(run.Hint, mostOfHint)}
	commit := shortCommit(run.Commit)
	if run.Branch != "" {
		commit += " of " + run.Branch
	}
	took := ""
	if !run.Created.IsZero() && run.Ended.After(run.Created) {
		took = run.Ended.Sub(run.Created).Round(time.Second).String()
	}
	for _, f := range []fact{
		{"Repository", run.Repository}, {"Commit", commit}, {"By", run.Pusher}, {"Environments", listed(run.Environments)}, {"Took", took}, {"Run", run.Run},
	} {
		if f.value != "" {
			m.facts = append(m.facts, fact{f.name, cut(f.value, mostOfFact)})
		}
	}
	return m
}

func titleOf(e event.Event) string {
	run := e.Data
	if e.Type == event.Test {
		return run.Pipeline + ": this is a test of notifications"
	}
	what := run.Pipeline + ": run of commit " + shortCommit(run.Commit) + " "
	if run.Recovered {
		return what + "succeeded, after one that failed"
	}
	return what + map[event.Outcome]string{event.Succeeded: "succeeded", event.Failed: "failed", event.Stopped: "was stopped", event.Superseded: "was superseded by a newer one"}[run.Outcome]
}

func shortCommit(commit string) string { return commit[:min(len(commit), 10)] }

func listed(environments []event.Environment) string {
	var all []string
	for _, env := range environments[:min(len(environments), mostListed)] {
		all = append(all, env.Name+" "+string(env.Outcome))
	}
	if len(environments) > mostListed {
		all = append(all, "…")
	}
	return strings.Join(all, ", ")
}

// cut shortens a text to so many characters.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// text returns the message as plain text.
func (m message) text() string {
	var text strings.Builder
	text.WriteString(m.title + "\n")
	if m.error != "" {
		text.WriteString("\n" + m.error + "\n")
	}
	if m.hint != "" {
		text.WriteString("Hint: " + m.hint + "\n")
	}
	text.WriteString("\n")
	for _, f := range m.facts {
		text.WriteString(f.name + ": " + f.value + "\n")
	}
	return text.String()
}
