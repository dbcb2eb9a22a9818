package localrun

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
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
	r := &runner{template: t, options: o, started: time.Now()}
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
	steps, err := r.graph(graphCtx, tasks, r.facts)
	result := Result{Name: r.options.Name, Status: overall(steps), Steps: steps, Started: r.started}
	if err == nil && r.template.Spec.OnExit != "" {
		var exit []StepResult
		exit, err = r.exit(ctx, result)
		result.Steps = append(result.Steps, exit...)
	}
	result.Ended = time.Now()
	return result, err
}

// graph is one graph while it runs: what its tasks can name are the facts of the
// run, the inputs of the graph, and the outputs of the tasks of this graph.
type graph struct {
	*runner
	facts scope

	mu      sync.Mutex
	outputs map[string]map[string]string // task → outputs
}

// graph runs the tasks as their dependencies allow, all that may at once, as
// Argo does. A failure starts nothing new.
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
	return steps, wiringError(results)
}

// steps gives the results of a task of which nothing has started: of all steps in
// it, where it is a graph.
func (r *runner) steps(task Task) []StepResult {
	node, _ := r.template.node(task.Template)
	if node.DAG != nil {
		var steps []StepResult
		for _, inner := range node.DAG.Tasks {
			steps = append(steps, r.steps(inner)...)
		}
		return steps
	}
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
func (g *graph) task(ctx context.Context, task Task) ([]StepResult, error) {
	node, _ := g.template.node(task.Template)
	known := g.known()
	run, err := wanted(task, known)
	switch {
	case err != nil:
		return g.steps(task), err
	case !run:
		return g.skip(task, node), nil
	case node.DAG != nil:
		return g.inner(ctx, task, node, known)
	}
	steps := g.steps(task)
	first := &steps[0]
	first.Started, first.Status = time.Now(), Succeeded
	if node.Suspend != nil {
		err = g.pause(ctx, task.Name, *node.Suspend)
	} else {
		err = g.pod(ctx, task, node, known, steps)
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

// skip passes a task over whose condition does not hold, and all that is in it.
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

// condition matches the only form of a condition that is known: two texts that
// are compared, or a text and a regular expression that is looked for in it. No
// text has a quote, which Argo would take for its end.
var condition = regexp.MustCompile(`^'([^']*)' (==|!=|=~|!~) '([^']*)'$`)

// holds evaluates a condition as Argo does.
func holds(text string) (bool, error) {
	parts := condition.FindStringSubmatch(text)
	if parts == nil {
		return false, fmt.Errorf("the local run does not know the condition %q", text)
	}
	left, operator, right := parts[1], parts[2], parts[3]
	switch operator {
	case "==":
		return left == right, nil
	case "!=":
		return left != right, nil
	}
	pattern, err := regexp.Compile(right)
	if err != nil {
		return false, fmt.Errorf("reading the condition %q: %w", text, err)
	}
	return pattern.MatchString(left) == (operator == "=~"), nil
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

// known gives the facts and every output of the graph so far.
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

// exit runs the exit handler, also for a cancelled run.
func (r *runner) exit(ctx context.Context, soFar Result) ([]StepResult, error) {
	r.facts = r.facts.with("workflow.", map[string]string{
		"status": string(soFar.Status), "failures": failures(soFar.Steps),
	})
	tasks := []Task{{Name: r.template.Spec.OnExit, Template: r.template.Spec.OnExit}}
	if handler, _ := r.template.node(r.template.Spec.OnExit); handler.DAG != nil {
		tasks = handler.DAG.Tasks
	}
	return r.graph(context.WithoutCancel(ctx), tasks, r.facts)
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
