package localrun

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/aphex/aphex-pipeline/internal/schedule"
)

// Status is what became of a step or of the run, in Argo's words.
type Status string

// The values of Status.
const (
	Succeeded Status = "Succeeded"
	Failed    Status = "Failed"
	Errored   Status = "Error"
	Skipped   Status = "Skipped" // its condition did not hold
	Omitted   Status = "Omitted" // never started
)

// Options say how a template is run.
type Options struct {
	Name       string            // name of the workflow run
	Entrypoint string            // graph to run; empty is the template's own
	Parameters map[string]string // values for the workflow's parameters
	Dir        string            // folder for the volumes of the steps
	Env        []string          // what a pod gets from its node and its service account, NAME=value

	// Step names what runs in another container of a task than its first.
	Step func(task, container string) string
	// Program finds the program that a container's command names.
	Program func(command string) (path string, err error)
	// Approve waits until a person lets the step go on.
	Approve func(ctx context.Context, step string) error
	// Log opens the log of a step; it is closed when the step has ended.
	Log func(step string) (io.WriteCloser, error)
	// Observe is told what happens, from several goroutines. It may be nil.
	Observe func(Event)
}

// Event is something that happened to a step.
type Event struct {
	Step    string
	Kind    EventKind
	Attempt int        // counted from 1
	Result  StepResult // in Finished
	Message string     // why a step is run again
}

// EventKind says what happened.
type EventKind string

// The values of EventKind.
const (
	Started  EventKind = "started"
	Waiting  EventKind = "waiting" // for a person
	Retrying EventKind = "retrying"
	Finished EventKind = "finished"
)

// StepResult is what became of one step.
type StepResult struct {
	Name      string
	Template  string
	Container string // empty where nothing runs
	Status    Status
	Message   string // why it did not succeed
	ExitCode  int
	Attempts  int
	Started   time.Time
	Ended     time.Time
	Outputs   map[string]string // those of all steps of a task are with its first
	Volume    string            // folder of the task's first volume; gone when the task succeeded
}

// Result is what became of a run.
type Result struct {
	Name    string
	Status  Status
	Steps   []StepResult // in the order of the graph, those of the exit handler last
	Started time.Time
	Ended   time.Time
}

// Run runs the template. The error says that the run could not be made as the
// template demands; a step that fails is told by the result.
func Run(ctx context.Context, t *Template, o Options) (Result, error) {
	parameters, err := bind(t.Spec.Arguments.Parameters, o.Parameters)
	if err != nil {
		return Result{}, fmt.Errorf("starting workflow template %q: %w", t.Metadata.Name, err)
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	if o.Entrypoint == "" {
		o.Entrypoint = t.Spec.Entrypoint
	}
	r := &runner{template: t, options: o, started: time.Now(), outputs: map[string]map[string]string{}}
	r.facts = scope{
		"workflow.name":                      o.Name,
		"workflow.mainEntrypoint":            o.Entrypoint,
		"workflow.creationTimestamp.RFC3339": r.started.UTC().Format(time.RFC3339),
	}.with("workflow.parameters.", parameters)
	return r.run(ctx)
}

type runner struct {
	template *Template
	options  Options
	facts    scope
	started  time.Time

	mu      sync.Mutex
	outputs map[string]map[string]string // task → outputs
}

func (r *runner) run(ctx context.Context) (Result, error) {
	graphCtx := ctx
	if seconds := r.template.Spec.ActiveDeadlineSeconds; seconds > 0 {
		var cancel context.CancelFunc
		graphCtx, cancel = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
		defer cancel()
	}
	tasks, err := r.template.graph(r.options.Entrypoint)
	if err != nil {
		return Result{}, err
	}
	steps, err := r.graph(graphCtx, tasks)
	result := Result{Name: r.options.Name, Status: overall(steps), Steps: steps, Started: r.started}
	if err == nil && r.template.Spec.OnExit != "" {
		var exit []StepResult
		exit, err = r.exit(ctx, result)
		result.Steps = append(result.Steps, exit...)
	}
	result.Ended = time.Now()
	return result, err
}

// graph runs the tasks as their dependencies allow, all that may at once, as
// Argo does. A failure starts nothing new.
func (r *runner) graph(ctx context.Context, tasks []Task) ([]StepResult, error) {
	byName := map[string]Task{}
	nodes := make([]schedule.Node, 0, len(tasks))
	for _, task := range tasks {
		byName[task.Name] = task
		nodes = append(nodes, schedule.Node{Name: task.Name, After: task.Dependencies})
	}
	if err := schedule.Check(nodes); err != nil {
		return nil, fmt.Errorf("the graph of the workflow template: %w", err)
	}
	results := schedule.Run(ctx, len(nodes), nodes, func(ctx context.Context, name string) ([]StepResult, error) {
		return r.task(ctx, byName[name])
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
	return steps, wiringError(results)
}

// steps gives the results of a task of which nothing has started.
func (r *runner) steps(task Task) []StepResult {
	node, _ := r.template.node(task.Template)
	if !node.runs() {
		return []StepResult{{Name: task.Name, Template: task.Template, Status: Omitted}}
	}
	var steps []StepResult
	for i, container := range node.containers() {
		name := task.Name
		if i > 0 {
			name = r.options.Step(task.Name, container.Name)
		}
		steps = append(steps, StepResult{Name: name, Template: task.Template, Container: container.Name, Status: Omitted})
	}
	return steps
}

// task runs one task; the error stops the graph.
func (r *runner) task(ctx context.Context, task Task) ([]StepResult, error) {
	node, _ := r.template.node(task.Template)
	steps, known := r.steps(task), r.known()
	first := &steps[0]
	first.Started, first.Status = time.Now(), Succeeded
	run, err := r.wanted(task, known)
	switch {
	case err != nil:
	case !run:
		for i := range steps {
			steps[i].Status = Skipped
		}
		first.Outputs = missing(node.Outputs)
	case node.Suspend != nil:
		err = r.pause(ctx, task.Name, *node.Suspend)
	default:
		err = r.pod(ctx, task, node, known, steps)
	}
	last := first
	for i := range steps {
		if steps[i].Status != Omitted {
			last = &steps[i]
		}
	}
	if err != nil && last.Status == Succeeded {
		last.Status, last.Message = Errored, err.Error()
	}
	r.remember(task.Name, first.Outputs)
	r.finished(last)
	return steps, err
}

func (r *runner) wanted(task Task, known scope) (bool, error) {
	if task.When == "" {
		return true, nil
	}
	condition, err := known.resolve(task.When)
	if err != nil {
		return false, wiring(task.Name, err)
	}
	run, err := evaluate(condition, map[string]any{})
	if err != nil {
		return false, wiring(task.Name, err)
	}
	return run, nil
}

func (r *runner) pause(ctx context.Context, step string, s Suspend) error {
	r.options.Observe(Event{Step: step, Kind: Waiting, Attempt: 1})
	if s.Duration == "" {
		return r.options.Approve(ctx, step)
	}
	pause, err := duration(s.Duration)
	if err != nil {
		return wiring(step, err)
	}
	return sleep(ctx, pause)
}

// known gives the facts and every output so far.
func (r *runner) known() scope {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.facts
	for task, outputs := range r.outputs {
		known = known.with("tasks."+task+".outputs.parameters.", outputs)
	}
	return known
}

func (r *runner) remember(task string, outputs map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outputs[task] = outputs
}

// exit runs the exit handler, also for a cancelled run.
func (r *runner) exit(ctx context.Context, soFar Result) ([]StepResult, error) {
	r.facts = r.facts.with("workflow.", map[string]string{
		"status": string(soFar.Status), "failures": failures(soFar.Steps),
	})
	tasks := []Task{{Name: r.template.Spec.OnExit, Template: r.template.Spec.OnExit}}
	if handler, _ := r.template.node(r.template.Spec.OnExit); handler.DAG != nil {
		tasks = handler.DAG.Tasks
	}
	return r.graph(context.WithoutCancel(ctx), tasks)
}

// failures renders the failed steps as Argo's workflow.failures: JSON, and
// that once more as a JSON string (workflow/controller quotes it twice).
func failures(steps []StepResult) string {
	type failure struct {
		DisplayName  string    `json:"displayName"`
		Message      string    `json:"message"`
		TemplateName string    `json:"templateName"`
		Phase        Status    `json:"phase"`
		PodName      string    `json:"podName"`
		FinishedAt   time.Time `json:"finishedAt"`
	}
	list := []failure{}
	for _, step := range steps {
		if step.Status == Failed || step.Status == Errored {
			list = append(list, failure{step.Name, step.Message, step.Template, step.Status, step.Name, step.Ended.UTC()})
		}
	}
	data, _ := json.Marshal(list) // strings and times always encode
	return strconv.Quote(string(data))
}

// overall is Argo's status of a workflow with such steps.
func overall(steps []StepResult) Status {
	status := Succeeded
	for _, step := range steps {
		switch step.Status {
		case Errored:
			return Errored
		case Failed, Omitted:
			status = Failed
		}
	}
	return status
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
