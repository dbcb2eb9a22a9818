package localrun

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/deploy/schedule"
)

// graph is one running graph. Its tasks can refer to the facts of the run, the inputs of
// the graph, and the outputs of the tasks of this graph.
type graph struct {
	*runner
	facts scope

	mu      sync.Mutex
	outputs map[string]map[string]string // task → outputs
}

// graph runs the tasks in the order of their dependencies and in parallel, as Argo does.
// After a failure no further task starts.
func (r *runner) graph(ctx context.Context, tasks []Task, facts scope) ([]StepResult, error) {
	byName := map[string]Task{}
	nodes := make([]schedule.Node, 0, len(tasks))
	for _, task := range tasks {
		byName[task.Name] = task
		nodes = append(nodes, schedule.Node{Name: task.Name, After: task.Dependencies})
	}
	if err := schedule.Check(nodes); err != nil {
		return nil, fmt.Errorf("the graph of the workflow template: %w", err)
	}
	g := &graph{runner: r, facts: facts, outputs: map[string]map[string]string{}}
	results := schedule.Run(ctx, len(nodes), nodes, func(ctx context.Context, name string) ([]StepResult, error) {
		return g.task(ctx, byName[name])
	})
	steps := make([]StepResult, 0, len(results))
	for _, result := range results {
		if result.State == schedule.Skipped {
			result.Value = r.steps(byName[result.Name])
			for i := range result.Value {
				result.Value[i].Message = "not started: " + result.Because
			}
		}
		steps = append(steps, result.Value...)
	}
	return steps, findWiringError(results)
}

// steps returns the results of a task that has not started: of all its steps if it is a
// graph.
func (r *runner) steps(task Task) []StepResult {
	node, _ := r.template.node(task.Template)
	status := Omitted
	if r.leavesOut(task) {
		status = Skipped
	}
	if node.DAG != nil {
		var steps []StepResult
		for _, inner := range node.DAG.Tasks {
			steps = append(steps, r.steps(inner)...)
		}
		return steps
	}
	if !node.runs() {
		return []StepResult{{Name: task.Name, Template: task.Template, Status: status}}
	}
	var steps []StepResult
	for i, container := range node.containers() {
		name := task.Name
		if i > 0 {
			name = r.options.Step(task.Name, container.Name)
		}
		steps = append(steps, StepResult{Name: name, Template: task.Template, Container: container.Name, Status: status})
	}
	return steps
}

// leavesOut reports whether the run was asked to skip a task.
func (r *runner) leavesOut(task Task) bool {
	return r.options.LeaveOut != nil && r.options.LeaveOut(task.Name)
}

// task runs one task; the error stops the graph.
func (g *graph) task(ctx context.Context, task Task) ([]StepResult, error) {
	node, _ := g.template.node(task.Template)
	known := g.known()
	run, err := wanted(task, known)
	switch {
	case err != nil:
		return g.steps(task), err
	case !run, g.leavesOut(task):
		return g.skip(task, node), nil
	case node.DAG != nil:
		return g.inner(ctx, task, node, known)
	}
	steps := g.steps(task)
	first := &steps[0]
	first.Started, first.Status = time.Now(), Succeeded
	if node.Suspend != nil {
		err = g.pause(ctx, task.Name, *node.Suspend)
	} else if err = g.begin(ctx, task.Name); err == nil {
		err = g.pod(ctx, task, node, known, steps)
	}
	last := first
	for i := range steps {
		if steps[i].Status != Omitted {
			last = &steps[i]
		}
	}
	switch {
	case errors.Is(err, context.Canceled) && last.Status == Failed: // between two attempts
		last.Status, last.Message = Stopped, "stopped before another attempt: "+last.Message
	case errors.Is(err, context.Canceled):
		last.Status, last.Message = Stopped, "stopped"
	case err != nil && last.Status == Succeeded:
		last.Status, last.Message = Errored, err.Error()
	}
	g.remember(task.Name, first.Outputs)
	g.finished(last)
	return steps, err
}

// inner runs a graph that is a task of another one.
func (g *graph) inner(ctx context.Context, task Task, node Node, known scope) ([]StepResult, error) {
	given, err := known.arguments(task.Arguments)
	if err != nil {
		return g.steps(task), wiring(task.Name, err)
	}
	inputs, err := bind(node.Inputs.Parameters, given)
	if err != nil {
		return g.steps(task), wiring(task.Name, err)
	}
	steps, err := g.graph(ctx, node.DAG.Tasks, g.runner.facts.with("inputs.parameters.", inputs))
	if err == nil && overall(steps) != Succeeded {
		err = fmt.Errorf("the graph %q did not succeed", task.Name)
	}
	return steps, err
}

// skip skips a task whose condition does not hold, with all that is in it.
func (g *graph) skip(task Task, node Node) []StepResult {
	steps := g.steps(task)
	for i := range steps {
		steps[i].Status = Skipped
	}
	if node.DAG == nil {
		steps[0].Outputs = missing(node.Outputs)
		g.remember(task.Name, steps[0].Outputs)
	}
	return steps
}

func wanted(task Task, known scope) (bool, error) {
	if task.When == "" {
		return true, nil
	}
	condition, err := known.resolve(task.When)
	if err != nil {
		return false, wiring(task.Name, err)
	}
	run, err := holds(condition)
	if err != nil {
		return false, wiring(task.Name, err)
	}
	return run, nil
}

// known returns the facts and every output of the graph so far.
func (g *graph) known() scope {
	g.mu.Lock()
	defer g.mu.Unlock()
	known := g.facts
	for task, outputs := range g.outputs {
		known = known.with("tasks."+task+".outputs.parameters.", outputs)
	}
	return known
}

func (g *graph) remember(task string, outputs map[string]string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outputs[task] = outputs
}

func missing(outputs Arguments) map[string]string {
	values := map[string]string{}
	for _, output := range outputs.Parameters {
		if output.ValueFrom != nil && output.ValueFrom.Default != nil {
			values[output.Name] = *output.ValueFrom.Default
		}
	}
	return values
}
