package progress

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Publishing is what a stack does while its assets are published; the count of
// published assets is appended.
const Publishing = "publishing assets"

// state is the state of a deployment at one moment.
type state struct {
	stacks   []string            // in the order of the configuration
	subjects map[string]*subject // by scope and name
}

// subject is the state of a stack, of an asset, or of the stage as a whole.
type subject struct {
	scope   Scope
	name    string
	began   time.Time
	ended   time.Time
	doing   string
	since   time.Time // when it began doing that
	outcome string    // one of outcomes; empty while it runs
	text    string    // of the outcome
	assets  map[string]bool
	running []activity // resources in progress, the latest last
	done    map[string]bool
	total   int
	last    float64 // seconds
}

// outcomes are the steps after which a stack is not worked on.
var outcomes = []string{Finished, Failed, Skipped, Stopped}

// activity is a resource in progress.
type activity struct{ id, doing string }

func newState() *state { return &state{subjects: map[string]*subject{}} }

func (s *state) of(scope Scope, name string) *subject {
	key := string(scope) + " " + name
	if s.subjects[key] == nil {
		s.subjects[key] = &subject{scope: scope, name: name, assets: map[string]bool{}, done: map[string]bool{}}
	}
	return s.subjects[key]
}

// busy records what a subject does from now on; "" is nothing.
func (s *state) busy(scope Scope, name, doing string, now time.Time) {
	subject := s.of(scope, name)
	if subject.doing != doing {
		subject.doing, subject.since = doing, now
	}
	if subject.began.IsZero() && doing != "" {
		subject.began = now
	}
}

// apply updates the state from an event, and completes the event from the state.
func (s *state) apply(e Event, now time.Time) Event {
	if e.Doing != "" && e.ID == "" {
		s.busy(e.Scope, e.Subject, e.Doing, now)
	}
	subject := s.of(e.Scope, e.Subject)
	switch {
	case e.Scope == Asset && e.Doing == "":
		s.busy(Asset, e.Subject, "", now)
		s.published(e)
	case e.Scope != Stack:
	case e.ID != "":
		subject.resource(e, now)
	case slices.Contains(outcomes, e.Step):
		subject.outcome, subject.text, subject.ended, subject.doing = e.Step, e.Text, now, ""
	case e.Total > 0:
		subject.total, subject.done = e.Total, map[string]bool{}
	}
	if e.Scope == Stack {
		e.Done, e.Total, e.Last = min(len(subject.done), subject.total), subject.total, subject.last
		if !subject.began.IsZero() {
			e.Seconds = tenths(now.Sub(subject.began))
		}
	}
	return e
}

// published records that an asset is published.
func (s *state) published(e Event) {
	if e.Step == Failed {
		return
	}
	for _, subject := range s.subjects {
		if _, needed := subject.assets[e.Subject]; needed {
			subject.assets[e.Subject] = true
		}
	}
}

// resource records the step of a resource.
func (s *subject) resource(e Event, now time.Time) {
	s.running = slices.DeleteFunc(s.running, func(a activity) bool { return a.id == e.ID })
	if e.Doing != "" {
		s.running = append(s.running, activity{e.ID, e.Doing})
	}
	doing := "waiting for CloudFormation"
	if len(s.running) > 0 {
		doing = s.running[len(s.running)-1].doing
	}
	if doing != s.doing {
		s.doing, s.since = doing, now
	}
	switch {
	case e.Counts && strings.HasSuffix(e.Step, "_COMPLETE"):
		s.done[e.ID] = true
	case !e.Counts && strings.Contains(e.Step, "ROLLBACK"):
		s.total = 0 // a rollback has no count
	}
}

// words describes what the subject does.
func (s *subject) words() string {
	if s.doing == Publishing && len(s.assets) > 0 {
		published := 0
		for _, done := range s.assets {
			if done {
				published++
			}
		}
		return fmt.Sprintf("%s %d/%d", Publishing, published, len(s.assets))
	}
	return s.doing
}

// still returns an event for each subject that is busy.
func (s *state) still(now time.Time) (events []Event) {
	for _, key := range slices.Sorted(maps.Keys(s.subjects)) {
		subject := s.subjects[key]
		if subject.doing == "" {
			continue
		}
		events = append(events, s.apply(Event{
			Time: now, Scope: subject.scope, Subject: subject.name, Step: Still, Doing: subject.doing,
			Text: fmt.Sprintf("%s (%s)", subject.words(), now.Sub(subject.since).Round(time.Second)),
		}, now))
	}
	return events
}

// busyWith returns the subjects of a scope that do something, by name.
func (s *state) busyWith(scope Scope) (busy []*subject) {
	for _, key := range slices.Sorted(maps.Keys(s.subjects)) {
		if subject := s.subjects[key]; subject.scope == scope && subject.doing != "" {
			busy = append(busy, subject)
		}
	}
	return busy
}
