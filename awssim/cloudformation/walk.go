package cloudformation

import (
	"context"
	"slices"
)

// walk runs a task for every name, each after its dependencies, in parallel. After a
// failure its dependents do not start; unless keepGoing is set, no task starts any more and
// running ones are cancelled with the cause errCancelled. walk returns the failed names in
// alphabetical order.
func walk(ctx context.Context, needs map[string][]string, keepGoing bool, task func(context.Context, string) error) []string {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := walker{needs: needs, done: map[string]bool{}, started: map[string]bool{}, ends: make(chan end)}
	for {
		if ctx.Err() == nil {
			w.start(ctx, task)
		}
		if w.busy == 0 {
			slices.Sort(w.failed)
			return w.failed
		}
		finished := <-w.ends
		w.busy--
		if finished.err == nil {
			w.done[finished.name] = true
			continue
		}
		w.failed = append(w.failed, finished.name)
		if !keepGoing {
			cancel(errCancelled)
		}
	}
}

type walker struct {
	needs         map[string][]string
	done, started map[string]bool
	failed        []string
	busy          int
	ends          chan end
}

type end struct {
	name string
	err  error
}

// start starts whatever is ready.
func (w *walker) start(ctx context.Context, task func(context.Context, string) error) {
	for name, needs := range w.needs {
		if w.started[name] || !w.ready(needs) {
			continue
		}
		w.started[name] = true
		w.busy++
		go func() { w.ends <- end{name, task(ctx, name)} }()
	}
}

func (w *walker) ready(needs []string) bool {
	return !slices.ContainsFunc(needs, func(id string) bool {
		_, listed := w.needs[id]
		return listed && !w.done[id]
	})
}
