package schedule

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Node is one task. After names the nodes that must be done first; names of other
// nodes are ignored, as the caller may run part of a graph.
type Node struct {
	Name  string
	After []string
}

// State is the final state of a node.
type State string

const (
	// Done is work that returned no error.
	Done State = "done"
	// Failed is work that returned an error.
	Failed State = "failed"
	// Skipped is work that was never started.
	Skipped State = "skipped"
)

// Result is the result of one node.
type Result[T any] struct {
	Name    string
	State   State
	Value   T      // result of the work, also if it failed
	Err     error  // set when State is Failed
	Because string // set when State is Skipped: the name of the node that failed, or "cancelled"
}

// Run runs the work of all nodes, at most limit at once (a limit below 1 counts as
// 1), and returns one result per node in the order of the nodes. Among the nodes
// that may start, the one listed first starts first: a limit of 1 keeps the
// listed order as far as dependencies allow. After the first failure, or the end
// of ctx, it starts nothing new and waits for running work. Work receives ctx.
func Run[T any](ctx context.Context, limit int, nodes []Node, work func(ctx context.Context, name string) (T, error)) []Result[T] {
	r := &run[T]{nodes: nodes, limit: max(limit, 1), results: make([]Result[T], len(nodes)), finished: make(chan int)}
	for i, node := range nodes {
		r.results[i] = Result[T]{Name: node.Name, State: Skipped}
	}
	r.start(ctx, work)
	for r.running > 0 {
		r.finish(<-r.finished)
		r.start(ctx, work)
	}
	r.explain(ctx)
	return r.results
}

type run[T any] struct {
	nodes    []Node
	limit    int
	results  []Result[T]
	finished chan int // index of a node whose result is set
	started  []bool
	running  int
	failed   string // the first node that failed
}

func (r *run[T]) start(ctx context.Context, work func(context.Context, string) (T, error)) {
	if r.started == nil {
		r.started = make([]bool, len(r.nodes))
	}
	for i := range r.nodes {
		if r.running == r.limit || r.failed != "" || ctx.Err() != nil {
			return
		}
		if r.started[i] || !r.ready(i) {
			continue
		}
		r.started[i] = true
		r.running++
		go func() {
			r.results[i].Value, r.results[i].Err = work(ctx, r.nodes[i].Name)
			r.finished <- i
		}()
	}
}

func (r *run[T]) ready(i int) bool {
	return !slices.ContainsFunc(r.nodes[i].After, func(name string) bool {
		at := slices.IndexFunc(r.nodes, func(n Node) bool { return n.Name == name })
		return at >= 0 && r.results[at].State != Done
	})
}

func (r *run[T]) finish(i int) {
	r.running--
	r.results[i].State = Done
	if r.results[i].Err != nil {
		r.results[i].State = Failed
		if r.failed == "" {
			r.failed = r.nodes[i].Name
		}
	}
}

// explain sets why nodes were not started.
func (r *run[T]) explain(ctx context.Context) {
	for i := range r.results {
		switch {
		case r.results[i].State != Skipped:
		case r.failed != "":
			r.results[i].Because = r.failed
		case ctx.Err() != nil:
			r.results[i].Because = "cancelled"
		default:
			r.results[i].Because = "circular dependency"
		}
	}
}

// Check returns an error for a dependency cycle or a duplicate name.
func Check(nodes []Node) error {
	byName := make(map[string]Node, len(nodes))
	for _, node := range nodes {
		if _, twice := byName[node.Name]; twice {
			return fmt.Errorf("%q is listed twice", node.Name)
		}
		byName[node.Name] = node
	}
	cleared := map[string]bool{}
	for _, node := range nodes {
		if cycle := findCycle(byName, cleared, node.Name, nil); cycle != nil {
			return fmt.Errorf("circular dependency: %s", strings.Join(cycle, " -> "))
		}
	}
	return nil
}

func findCycle(byName map[string]Node, cleared map[string]bool, name string, path []string) []string {
	if at := slices.Index(path, name); at >= 0 {
		return append(slices.Clone(path[at:]), name)
	}
	node, known := byName[name]
	if !known || cleared[name] {
		return nil
	}
	for _, before := range node.After {
		if cycle := findCycle(byName, cleared, before, append(path, name)); cycle != nil {
			return cycle
		}
	}
	cleared[name] = true
	return nil
}
