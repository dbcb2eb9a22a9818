package argo

import (
	"fmt"
	"path"
	"slices"
	"strings"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// graph renders the steps of a plan: the tasks, and the template of every kind of pod.
type graph struct {
	*renderer
	varying   map[string]map[string]bool // template → parameters whose source differs between its pods
	tasks     map[string]string          // step → the task that runs it
	templates []wfv1.Template
	rendered  map[string]bool
}

// nodes renders the templates of a run, the entrypoint first. A run builds its commit and
// releases it; a run that another one handed over to releases what that one built. A
// release updates the pipeline and, unless it hands over, deploys the environments.
func (r *renderer) nodes(p plan.Plan) ([]wfv1.Template, error) {
	pods := podsOf(p.Steps)
	g := r.graphOf(pods, podsOf(p.Check))
	update := slices.IndexFunc(pods, func(p pod) bool { return p.first().Name == plan.Pipeline })
	if update < 0 {
		return nil, fmt.Errorf("the plan has no step %q", plan.Pipeline)
	}
	built := []string{plan.Artifact, plan.Digest, plan.ConfigDigest}
	run, err := g.dag(Entrypoint, pods[:update])
	if err != nil {
		return nil, err
	}
	run.DAG.Tasks = append(run.DAG.Tasks, wfv1.DAGTask{
		Name: release, Template: release, Dependencies: []string{plan.Build}, Arguments: handing(func(name string) string {
			if name == plan.ConfigDigest { // from the step that runs nothing of the repository
				return taskOutput(plan.Validate)(name)
			}
			return taskOutput(plan.Build)(name)
		}, built...),
	})
	if p.Skips {
		skipping(run.DAG.Tasks)
	}
	resume := wfv1.Template{Name: ResumeEntry, DAG: &wfv1.DAGTemplate{Tasks: []wfv1.DAGTask{
		{Name: release, Template: release, Arguments: handing(parameterExpression, built...)},
	}}}
	releases, err := g.dag(release, pods[update:update+1])
	if err != nil {
		return nil, err
	}
	releases.Inputs = declaring(built...)
	releases.DAG.Tasks = append(releases.DAG.Tasks, wfv1.DAGTask{
		Name: environments, Template: environments, Dependencies: []string{plan.Pipeline}, When: stillRunning,
		Arguments: wfv1.Arguments{Parameters: append(handing(inputExpression, built...).Parameters, handing(taskOutput(plan.Pipeline), deciding()...).Parameters...)},
	})
	all, err := g.dag(environments, pods[update+1:])
	if err != nil {
		return nil, err
	}
	all.Inputs = declaring(append(built, deciding()...)...)
	check, err := g.dag(CheckEntry, podsOf(p.Check))
	if err != nil {
		return nil, err
	}
	exit, err := g.dag(exitGraph, podsOf([]plan.Step{p.Exit}))
	if err != nil {
		return nil, err
	}
	if p.Watch != nil {
		exit.DAG.Tasks[0].When = notWatching
		if err := g.renderOnce(pod{[]plan.Step{p.Watch.Step}}); err != nil {
			return nil, err
		}
	}
	return append([]wfv1.Template{run, resume, releases, all, check, exit}, g.templates...), nil
}

// graphOf returns the graph of the pods of a run, and of those of a check.
func (r *renderer) graphOf(pods, checks []pod) *graph {
	g := &graph{renderer: r, varying: varying(append(slices.Clone(pods), checks...)), tasks: map[string]string{}, rendered: map[string]bool{}}
	for _, pod := range pods {
		for _, step := range pod.steps {
			g.tasks[step.Name] = pod.first().Name
		}
	}
	return g
}

// skipping keeps a run that has nothing to do from everything after its validation.
func skipping(tasks []wfv1.DAGTask) {
	for i := range tasks {
		if tasks[i].Name != plan.Validate {
			tasks[i].When = hasToDo
		}
	}
}

// handing returns arguments that pass values on under the same names.
func handing(from func(name string) string, names ...string) wfv1.Arguments {
	var given wfv1.Arguments
	for _, name := range names {
		given.Parameters = append(given.Parameters, wfv1.Parameter{Name: name, Value: wfv1.AnyStringPtr(from(name))})
	}
	return given
}

func declaring(names ...string) wfv1.Inputs {
	var inputs wfv1.Inputs
	for _, name := range names {
		inputs.Parameters = append(inputs.Parameters, wfv1.Parameter{Name: name})
	}
	return inputs
}

// hasToDo ends a run whose validation found that it has nothing to do. Argo evaluates it
// before it looks for outputs of tasks that it keeps from running.
const hasToDo = "'{{tasks." + plan.Validate + ".outputs.parameters." + plan.Skipped + "}}' == ''"

// stillRunning keeps a run that has handed over from its environments.
const stillRunning = "'{{tasks." + plan.Pipeline + ".outputs.parameters.result}}' != '" + HandedOver + "'"

// unlisted returns the condition that an output of the pipeline's own step does not list an
// environment. Names of environments have letters, digits and hyphens only.
func unlisted(output, environment string) string {
	return "'" + inputExpression(output) + "' !~ '," + environment + ",'"
}

// deciding returns the outputs that say which steps of environments are left out.
func deciding() []string { return []string{plan.LeftOut, plan.NoApproval} }

// notWatching keeps runs of the reconciler, which runs every few minutes and mostly finds
// nothing, out of the records of runs.
const notWatching = "'{{workflow.mainEntrypoint}}' != '" + WatchEntry + "'"

// dag renders pods as the tasks of one graph. Values from steps of another graph are
// inputs of this one, and dependencies are between its own steps only.
func (g *graph) dag(name string, pods []pod) (wfv1.Template, error) {
	var tasks []wfv1.DAGTask
	inside := map[string]bool{}
	for _, pod := range pods {
		inside[pod.first().Name] = true
	}
	for _, pod := range pods {
		task := wfv1.DAGTask{Name: pod.first().Name, Template: templateOf(pod), Dependencies: g.tasksOf(pod.first().After, inside)}
		if output := pod.first().Unless; output != "" {
			task.When = unlisted(output, pod.first().Environment)
		}
		arguments, err := g.argumentsOf(pod, inside)
		if err != nil {
			return wfv1.Template{}, err
		}
		task.Arguments.Parameters = arguments
		tasks = append(tasks, task)
		if err := g.renderOnce(pod); err != nil {
			return wfv1.Template{}, err
		}
	}
	return wfv1.Template{Name: name, DAG: &wfv1.DAGTemplate{Tasks: tasks}}, nil
}

// tasksOf returns the tasks of a graph that run the steps.
func (g *graph) tasksOf(steps []string, inside map[string]bool) []string {
	var tasks []string
	for _, step := range steps {
		if task := g.tasks[step]; inside[task] && !slices.Contains(tasks, task) {
			tasks = append(tasks, task)
		}
	}
	return tasks
}

// gateTemplate is the template of the pods that wait for the gates of environments.
const gateTemplate = "gate"

// templateOf returns the template of a pod: one for each sequence of stages and access,
// however many pods run it, so that the object stays small with many environments.
func templateOf(p pod) string {
	first := p.first()
	switch {
	case p.waits():
		return gateTemplate
	case first.Name == ExitStep, first.Name == plan.Reconcile:
		return first.Name
	}
	var stages []string
	for _, step := range p.steps {
		stages = append(stages, step.Contract.Name())
	}
	if id := first.Access.ID(); id != "" {
		stages = append(stages, id)
	}
	return strings.Join(stages, "-")
}

func (g *graph) renderOnce(p pod) error {
	name := templateOf(p)
	if g.rendered[name] {
		return nil
	}
	g.rendered[name] = true
	template, err := g.stages(name, p)
	template.Synchronization = g.lock(p, g.varying[name][environmentInput])
	g.templates = append(g.templates, template)
	return err
}

// argumentsOf renders the values that differ between the pods of one template.
func (g *graph) argumentsOf(p pod, inside map[string]bool) ([]wfv1.Parameter, error) {
	var arguments []wfv1.Parameter
	for _, given := range p.all() {
		if !g.varying[templateOf(p)][given.parameter] {
			continue
		}
		value, err := g.expression(given.source)
		if err != nil {
			return nil, fmt.Errorf("step %q, input %q: %w", p.first().Name, given.parameter, err)
		}
		if given.source.Kind == plan.Output && !inside[g.tasks[given.source.Step]] {
			value = inputExpression(given.source.Text)
		}
		if given.source.Kind == plan.Literal {
			value = literal(value)
		}
		arguments = append(arguments, wfv1.Parameter{Name: given.parameter, Value: wfv1.AnyStringPtr(value)})
	}
	return arguments, nil
}

// expression renders a source as a whole value.
func (g *graph) expression(s plan.Source) (string, error) {
	switch s.Kind {
	case plan.Parameter:
		return parameterExpression(s.Text), nil
	case plan.Output:
		return taskOutput(g.tasks[s.Step])(s.Text), nil
	case plan.Run:
		if s.Text == plan.RunTemplate {
			return g.self, nil
		}
		return runFact(s.Text), nil
	}
	if strings.Contains(s.Text, "{{") {
		return "", fmt.Errorf("the value %q contains a template expression", s.Text)
	}
	if s.Kind == plan.File {
		return path.Join(folder, s.Text), nil
	}
	return s.Text, nil
}

func parameterExpression(name string) string { return "{{workflow.parameters." + name + "}}" }

func taskOutput(task string) func(name string) string {
	return func(name string) string { return "{{tasks." + task + ".outputs.parameters." + name + "}}" }
}

func runFact(fact string) string {
	switch fact {
	case plan.RunCreated:
		return "{{workflow.creationTimestamp.RFC3339}}"
	case plan.RunEntry:
		return "{{workflow.mainEntrypoint}}"
	}
	return "{{workflow." + fact + "}}"
}

// varying returns, for each template, the inputs with different sources in its pods, and
// those from another step: both must be arguments of the task. All others are the same in
// every pod.
func varying(pods []pod) map[string]map[string]bool {
	varying, seen := map[string]map[string]bool{}, map[string]plan.Source{}
	for _, pod := range pods {
		template := templateOf(pod)
		if varying[template] == nil {
			varying[template] = map[string]bool{}
		}
		for _, given := range pod.all() {
			if given.parameter == stepInput && pod.waits() { // it follows from the environment
				continue
			}
			key := template + " " + given.parameter
			known, before := seen[key]
			seen[key] = given.source
			if given.source.Kind == plan.Output || (before && known != given.source) {
				varying[template][given.parameter] = true
			}
		}
	}
	return varying
}
