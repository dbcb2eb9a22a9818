package progress

import (
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/report/screen"
)

// silence is the longest time without a report.
const silence = 10 * time.Second

// Options say where to report. The first that fits is used: Report, Screen, a Log
// of JSON records, Out.
type Options struct {
	Report func(Event)         // in place of everything else; may be nil
	Screen *screen.Screen      // for lines that change in place; may be nil
	Log    *slog.Logger        // for records, if it is JSON; may be nil
	Out    io.Writer           // for lines
	Mask   func(string) string // hides secrets; nil where Screen is nil
	Quiet  time.Duration       // the longest time without a report; 0 is 10 s
}

// Reporter reports events, and what it waits for when there are none. It is safe for
// concurrent use and reports one event at a time.
type Reporter struct {
	print func(Event)
	live  *live // nil where lines do not change in place
	quiet time.Duration

	mu       sync.Mutex
	state    *state
	reported time.Time // when the last event was reported
}

// New makes a reporter.
func New(o Options) *Reporter {
	r := &Reporter{print: o.Report, quiet: o.Quiet, state: newState(), reported: time.Now()}
	if r.quiet == 0 {
		r.quiet = silence
	}
	switch {
	case o.Report != nil:
	case o.Screen != nil:
		r.live = &live{screen: o.Screen, mask: o.Mask}
		r.print = r.live.print
	case isJSON(o.Log):
		r.print = func(e Event) { o.Log.Info("progress", e.attributes()...) }
	default:
		r.print = func(e Event) { _, _ = io.WriteString(o.Out, Line(e)+"\n") }
	}
	return r
}

func isJSON(log *slog.Logger) bool {
	if log == nil {
		return false
	}
	handler := log.Handler()
	if outer, wraps := handler.(interface{ Unwrap() slog.Handler }); wraps {
		handler = outer.Unwrap()
	}
	_, is := handler.(*slog.JSONHandler)
	return is
}

// Stacks names the stacks that are to be deployed, in the order in which they are listed.
func (r *Reporter) Stacks(names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.stacks = names
}

// Last sets how many seconds the last deployment of each stack took.
func (r *Reporter) Last(seconds map[string]float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, took := range seconds {
		r.state.of(Stack, name).last = took
	}
}

// Assets names the assets that a stack needs.
func (r *Reporter) Assets(stack string, names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range names {
		r.state.of(Stack, stack).assets[name] = false
	}
}

// Report reports an event. Its time is now unless it has one.
func (r *Reporter) Report(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if e.Time.IsZero() {
		e.Time = now
	}
	r.reported = now
	r.print(r.state.apply(e, now))
}

// Busy records what a subject does from now on; "" is nothing.
func (r *Reporter) Busy(scope Scope, name, doing string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.busy(scope, name, doing, time.Now())
}

// Begin records what a subject does, until the returned function is called.
func (r *Reporter) Begin(scope Scope, name, doing string) (end func()) {
	r.Busy(scope, name, doing)
	return func() { r.Busy(scope, name, "") }
}

// Watch breaks silences and updates the lines of a screen until the returned function
// is called, which leaves the results of the stacks on the screen.
func (r *Reporter) Watch() (stop func()) {
	interval, work := r.quiet/10, r.breakSilence
	if r.live != nil {
		interval, work = refresh, r.refresh
		r.refresh() // from now on, text goes above
	}
	end := every(interval, work)
	return func() {
		end()
		r.finish()
	}
}

// every calls work at an interval until the returned function is called, which waits
// for the last call.
func every(interval time.Duration, work func()) (end func()) {
	ticker := time.NewTicker(interval)
	stopped, finished := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(finished)
		for {
			select {
			case <-ticker.C:
				work()
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

func (r *Reporter) breakSilence() {
	r.mu.Lock()
	defer r.mu.Unlock()
	// One tick early, as the next check is a tick away.
	now := time.Now()
	if now.Sub(r.reported) < r.quiet-r.quiet/10 {
		return
	}
	for _, event := range r.state.still(now) {
		r.reported = now
		r.print(event)
	}
}

func (r *Reporter) refresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live.draw(r.state, time.Now())
}

func (r *Reporter) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.live != nil {
		r.live.finish(r.state, time.Now())
	}
}
