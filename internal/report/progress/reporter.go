package progress

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// silence is how long nothing may be told.
const silence = 10 * time.Second

// Options say where to tell. The first that fits is taken: Tell, Screen, a Log
// of JSON records, Out.
type Options struct {
	Report func(Event)         // in place of everything else; may be nil
	Screen *screen.Screen      // for lines that change in place; may be nil
	Log    *slog.Logger        // for records, if it is JSON; may be nil
	Out    io.Writer           // for lines
	Mask   func(string) string // hides secrets; nil where Screen is nil
	Quiet  time.Duration       // how long nothing may be told; 0 is 10 s
}

// Reporter reports what happens, and by itself what is going on when nothing
// happens. It may be used from many goroutines; it reports one event at a time.
type Reporter struct {
	tell  func(Event)
	live  *live // nil where lines do not change in place
	quiet time.Duration

	mu    sync.Mutex
	state *state
	told  time.Time
}

// New makes a reporter.
func New(o Options) *Reporter {
	t := &Reporter{tell: o.Report, quiet: o.Quiet, state: newState(), told: time.Now()}
	if t.quiet == 0 {
		t.quiet = silence
	}
	switch {
	case o.Report != nil:
	case o.Screen != nil:
		t.live = &live{screen: o.Screen, mask: o.Mask}
		t.tell = t.live.tell
	case isJSON(o.Log):
		t.tell = func(e Event) { o.Log.Info("progress", e.attributes()...) }
	default:
		t.tell = func(e Event) { _, _ = io.WriteString(o.Out, Line(e)+"\n") }
	}
	return t
}

func isJSON(log *slog.Logger) bool {
	if log == nil {
		return false
	}
	_, is := log.Handler().(*slog.JSONHandler)
	return is
}

// Stacks names the stacks that are to be deployed, in the order in which a person expects them.
func (t *Reporter) Stacks(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.stacks = names
}

// Last says how many seconds the last deployment of each stack took.
func (t *Reporter) Last(seconds map[string]float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, took := range seconds {
		t.state.of(Stack, name).last = took
	}
}

// Assets names the assets that a stack needs.
func (t *Reporter) Assets(stack string, names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		t.state.of(Stack, stack).assets[name] = false
	}
}

// Report reports an event. Its time is now unless it has one.
func (t *Reporter) Report(e Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if e.Time.IsZero() {
		e.Time = now
	}
	t.told = now
	t.tell(t.state.apply(e, now))
}

// Busy notes what a subject does from now on.
func (t *Reporter) Busy(scope Scope, name, doing string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.busy(scope, name, doing, time.Now())
}

// Begin notes what a subject does; the function given notes its end.
func (t *Reporter) Begin(scope Scope, name, doing string) (end func()) {
	t.Busy(scope, name, doing)
	return func() { t.Busy(scope, name, "") }
}

// Watch begins to break silences and to keep the lines of a screen up to date.
// The function given ends that, and leaves on a screen what became of the stacks.
func (t *Reporter) Watch() (stop func()) {
	pause, look := t.quiet/10, t.breakSilence
	if t.live != nil {
		pause, look = refresh, t.refresh
		t.refresh() // from now on, text goes above
	}
	end := every(pause, look)
	return func() {
		end()
		t.finish()
	}
}

// every calls a function again and again; the function given ends that and waits
// for the last call.
func every(pause time.Duration, look func()) (end func()) {
	ticker := time.NewTicker(pause)
	stopped, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		for {
			select {
			case <-ticker.C:
				look()
			case <-stopped:
				return
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(stopped)
		<-finished
	}
}

func (t *Reporter) breakSilence() {
	t.mu.Lock()
	defer t.mu.Unlock()
	// A tick less, as the next look is a tick away.
	now := time.Now()
	if now.Sub(t.told) < t.quiet-t.quiet/10 {
		return
	}
	for _, event := range t.state.still(now) {
		t.told = now
		t.tell(event)
	}
}

func (t *Reporter) refresh() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live.draw(t.state, time.Now())
}

func (t *Reporter) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live != nil {
		t.live.finish(t.state, time.Now())
	}
}
