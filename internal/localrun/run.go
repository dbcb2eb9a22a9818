package localrun

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"
)

// Status is the status of a step or a run in Argo's terms, except for Stopped.
type Status string

// The values of Status.
const (
	Succeeded Status = "Succeeded"
	Failed    Status = "Failed"
	Errored   Status = "Error"
	Skipped   Status = "Skipped" // its condition did not hold
	Omitted   Status = "Omitted" // never started
	Stopped   Status = "Stopped" // by the user; Argo's status is Failed, with a message
)

// shutdown is Argo's message for a node of a workflow that a user stopped.
const shutdown = "workflow shutdown with strategy: Stop"

// Options configure a run of a template.
type Options struct {
	Name       string            // name of the workflow run
	Entrypoint string            // graph to run; empty is the template's own
	Parameters map[string]string // values for the workflow's parameters
	Dir        string            // folder for the volumes of the steps
	Env        []string          // variables that a pod gets from its node and its service account, NAME=value

	// Step names the step of a task's container other than its first.
	Step func(task, container string) string
	// Program finds the program that a container's command names.
	Program func(command string) (path string, err error)
	// LeaveOut reports whether a task is skipped, as if its condition did not hold. Nil leaves out none.
	LeaveOut func(task string) bool
	// Keep keeps the volumes of tasks that succeeded.
	Keep bool
	// Approve waits until the user approves the step, which templates of earlier versions suspend.
	Approve func(ctx context.Context, step string) error
	// Begin is called before a task runs. It calls waiting if it waits for the user; its error fails
	// the task. Nil does nothing.
	Begin func(ctx context.Context, task string, waiting func()) error
	// Log opens the log of a step; it is closed when the step has ended.
	Log func(step string) (io.WriteCloser, error)
	// Observe receives events, from several goroutines. It may be nil.
	Observe func(Event)
}

// Event is an event of a step.
type Event struct {
	Step    string
	Kind    EventKind
	Attempt int        // counted from 1
	Result  StepResult // in Finished
	Message string     // why a step is run again
}

// EventKind is the kind of an event.
type EventKind string

// The values of EventKind.
const (
	Started  EventKind = "started"
	Waiting  EventKind = "waiting" // for approval
	Retrying EventKind = "retrying"
	Finished EventKind = "finished"
)

// StepResult is the result of one step.
type StepResult struct {
	Name      string
	Template  string
	Container string // empty if nothing runs
	Status    Status
	Message   string // why it did not succeed
	ExitCode  int
	Attempts  int
	Started   time.Time
	Ended     time.Time
	Outputs   map[string]string // the first step of a task has those of all its steps
	Volume    string            // folder of the task's first volume; gone when the task succeeded, unless it is kept
}

// Result is the result of a run.
type Result struct {
	Name    string
	Status  Status
	Steps   []StepResult // in the order of the graph, the exit handler's last
	Started time.Time
	Ended   time.Time
}

// Run runs the template. It returns an error if the template cannot be run; the
// result contains failed steps.
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
	if result.Status == Omitted { // nothing failed, but not every step started
		result.Status = Failed
		if ctx.Err() != nil {
			result.Status = Stopped
		}
	}
	if err == nil && r.template.Spec.OnExit != "" {
		var exit []StepResult
		exit, err = r.exit(ctx, result)
		result.Steps = append(result.Steps, exit...)
	}
	result.Ended = time.Now()
	return result, err
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

// begin is called before the pod of a task.
func (r *runner) begin(ctx context.Context, task string) error {
	if r.options.Begin == nil {
		return nil
	}
	return r.options.Begin(ctx, task, func() { r.options.Observe(Event{Step: task, Kind: Waiting, Attempt: 1}) })
}

// exit runs the exit handler, also for a cancelled run.
func (r *runner) exit(ctx context.Context, soFar Result) ([]StepResult, error) {
	r.facts = r.facts.with("workflow.", map[string]string{
		"status": string(soFar.Status.argo()), "failures": failures(soFar.Steps),
	})
	tasks := []Task{{Name: r.template.Spec.OnExit, Template: r.template.Spec.OnExit}}
	if handler, _ := r.template.node(r.template.Spec.OnExit); handler.DAG != nil {
		tasks = handler.DAG.Tasks
	}
	return r.graph(context.WithoutCancel(ctx), tasks, r.facts)
}

// failures renders the failed steps as Argo's workflow.failures: JSON in a JSON string
// (workflow/controller quotes it twice).
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
		message := step.Message
		switch step.Status {
		case Failed, Errored:
		case Stopped:
			message = shutdown
		default:
			continue
		}
		list = append(list, failure{step.Name, message, step.Template, step.Status.argo(), step.Name, step.Ended.UTC()})
	}
	data, _ := json.Marshal(list) // strings and times always encode
	return strconv.Quote(string(data))
}

// argo returns the status that a cluster reports; a run stopped by argo stop has Failed.
func (s Status) argo() Status {
	if s == Stopped {
		return Failed
	}
	return s
}

// overall returns Argo's status of a workflow with these steps, or Stopped, or Omitted if
// nothing failed and not every step started.
func overall(steps []StepResult) Status {
	for _, worst := range []Status{Errored, Failed, Stopped, Omitted} {
		if slices.ContainsFunc(steps, func(step StepResult) bool { return step.Status == worst }) {
			return worst
		}
	}
	return Succeeded
}
