package environment

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/assets"
	"github.com/aphex/aphex-pipeline/internal/cfn"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Event is something that happened during a deployment.
type Event struct {
	Time     time.Time
	Subject  string // the stack's name in the configuration, an asset's name, or the environment's
	Step     string // such as "preparing", "published" or a resource's status
	Resource string // construct path or logical id; empty unless a resource is meant
	Type     string // of the resource
	Text     string // reason, or whatever there is to say; may be empty
}

// silence is how long nothing may be told.
const silence = 10 * time.Second

// progress tells events, and by itself what is going on when nothing happens.
type progress struct {
	tell func(Event)

	mu      sync.Mutex
	told    time.Time
	current map[string]activity // by subject
	stopped chan struct{}
}

// activity is what somebody is busy with.
type activity struct {
	since time.Time
	doing string
}

func newProgress(tell func(Event), frame stage.Frame) *progress {
	if tell == nil {
		tell = renderer(frame)
	}
	return &progress{tell: tell, told: time.Now(), current: map[string]activity{}, stopped: make(chan struct{})}
}

// emit tells an event. Events come one at a time.
func (p *progress) emit(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	p.told = time.Now()
	p.tell(e)
}

// begin notes that the subject is busy; the function given notes its end.
func (p *progress) begin(subject, doing string) (end func()) {
	p.busy(subject, doing)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.current, subject)
	}
}

func (p *progress) busy(subject, doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current[subject].doing != doing {
		p.current[subject] = activity{time.Now(), doing}
	}
}

// watch begins to break silences; the function given ends that.
func (p *progress) watch() (stop func()) {
	ticker := time.NewTicker(time.Second)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for {
			select {
			case <-ticker.C:
				p.breakSilence()
			case <-p.stopped:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(p.stopped)
		<-finished
	}
}

func (p *progress) breakSilence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A second less, as the next look is a second away.
	if time.Since(p.told) < silence-time.Second {
		return
	}
	for _, subject := range slices.Sorted(maps.Keys(p.current)) {
		a := p.current[subject]
		p.told = time.Now()
		p.tell(Event{Time: p.told, Subject: subject, Step: "still", Text: fmt.Sprintf("%s (%s)", a.doing, time.Since(a.since).Round(time.Second))})
	}
}

// asset tells a step of an asset.
func (p *progress) asset(e assets.Event) {
	text := e.To
	if e.Step == assets.Published && e.Bytes > 0 {
		text += fmt.Sprintf(" (%d KiB)", (e.Bytes+1023)/1024)
	}
	p.emit(Event{Subject: e.Asset, Step: string(e.Step), Text: text})
}

// stack tells a step of a stack or of one of its resources.
func (p *progress) stack(t target, e cfn.Event) {
	if e.Resource == nil {
		p.busy(t.name, string(e.Phase))
		p.emit(Event{Time: e.Time, Subject: t.name, Step: string(e.Phase), Text: e.Text})
		return
	}
	r := *e.Resource
	if len(r.Nested) > 0 && r.PhysicalID == r.StackID {
		return // the resource of this nested stack, in the stack around it, says the same
	}
	name := resourceName(t, r)
	if strings.HasSuffix(r.Status, "_IN_PROGRESS") {
		p.busy(t.name, strings.ToLower(strings.ReplaceAll(r.Status, "_", " "))+": "+name)
	}
	text := r.Reason
	if r.HookReason != "" {
		text = strings.TrimSpace(text + " hook " + r.Hook + ": " + r.HookReason)
	}
	p.emit(Event{Time: r.Time, Subject: t.name, Step: r.Status, Resource: name, Type: r.Type, Text: text})
}

// renderer writes events as lines for people, or as records where the log is JSON.
func renderer(frame stage.Frame) func(Event) {
	if _, isJSON := frame.Log.Handler().(*slog.JSONHandler); isJSON {
		return func(e Event) { record(frame.Log, e) }
	}
	return func(e Event) { _, _ = io.WriteString(frame.Out, Line(e)+"\n") }
}

func record(log *slog.Logger, e Event) {
	attributes := []any{"subject", e.Subject, "step", e.Step, "at", e.Time.UTC().Format(time.RFC3339Nano)}
	if e.Resource != "" {
		attributes = append(attributes, "resource", e.Resource, "type", e.Type)
	}
	if e.Text != "" {
		attributes = append(attributes, "text", e.Text)
	}
	log.Info("progress", attributes...)
}

// Line gives an event as one line for a person.
func Line(e Event) string {
	line := fmt.Sprintf("%s  %-16s %-20s", e.Time.Local().Format(time.TimeOnly), e.Subject, e.Step)
	if e.Resource != "" {
		line += fmt.Sprintf(" %s (%s)", e.Resource, e.Type)
	}
	if e.Text != "" {
		line += "  " + strings.Join(strings.Fields(e.Text), " ")
	}
	return strings.TrimRight(line, " ")
}
