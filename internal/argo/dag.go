package argo

import (
	"fmt"
	"path"
	"slices"
	"strings"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// graph renders the steps of a plan: the tasks, and on the way the template of
// every kind of pod in them.
type graph struct {
	*renderer
	varying   map[string]map[string]bool // template → parameters whose source differs between its pods
	tasks     map[string]string          // step → the task that runs it
	templates []wfv1.Template
	rendered  map[string]bool
}

// nodes renders everything that a run consists of, the whole run first.
func (r *renderer) nodes(p plan.Plan) ([]wfv1.Template, error) {
	pods := podsOf(p.Steps)
	g := &graph{renderer: r, varying: varying(pods), tasks: map[string]string{}, rendered: map[string]bool{}}
	for _, pod := range pods {
		for _, step := range pod.steps {
			g.tasks[step.Name] = pod.first().Name
		}
	}
	run, err := g.dag(Entrypoint, pods)
	if err != nil {
		return nil, err
	}
	run.Synchronization = r.queue()
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
	return append([]wfv1.Template{run, check, exit}, g.templates...), nil
}

// notWatching keeps a look for missed pushes, which runs every few minutes and
// mostly finds nothing, out of the records of runs.
const notWatching = "'{{workflow.mainEntrypoint}}' != '" + WatchEntry + "'"

func (g *graph) dag(name string, pods []pod) (wfv1.Template, error) {
	var tasks []wfv1.DAGTask
	for _, pod := range pods {
		task := wfv1.DAGTask{Name: pod.first().Name, Template: templateOf(pod), Dependencies: g.tasksOf(pod.first().After)}
		arguments, err := g.argumentsOf(pod)
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

// tasksOf names the tasks that run some steps.
func (g *graph) tasksOf(steps []string) []string {
	var tasks []string
	for _, step := range steps {
		if task := g.tasks[step]; !slices.Contains(tasks, task) {
			tasks = append(tasks, task)
		}
	}
	return tasks
}

// templateOf names the template that a pod uses: one for each sequence of stages,
// however many pods run it, so that the object stays small with many environments.
func templateOf(p pod) string {
	first := p.first()
	switch {
	case first.Approval():
		return approval
	case first.Name == ExitStep, first.Name == plan.Reconcile:
		return first.Name
	}
	var stages []string
	for _, step := range p.steps {
		stages = append(stages, step.Contract.Name())
	}
	return strings.Join(stages, "-")
}

func (g *graph) renderOnce(p pod) error {
	name := templateOf(p)
	if g.rendered[name] {
		return nil
	}
	g.rendered[name] = true
	if p.first().Approval() {
		g.templates = append(g.templates, wfv1.Template{Name: approval, Suspend: &wfv1.SuspendTemplate{}})
		return nil
	}
	template, err := g.stages(name, p)
	g.templates = append(g.templates, template)
	return err
}

// argumentsOf renders what differs between the pods of one template.
func (g *graph) argumentsOf(p pod) ([]wfv1.Parameter, error) {
	if p.first().Approval() {
		return nil, nil
	}
	var arguments []wfv1.Parameter
	for _, given := range p.all() {
		if !g.varying[templateOf(p)][given.parameter] {
			continue
		}
		value, err := g.expression(given.source)
		if err != nil {
			return nil, fmt.Errorf("step %q, input %q: %w", p.first().Name, given.parameter, err)
		}
		arguments = append(arguments, wfv1.Parameter{Name: given.parameter, Value: wfv1.AnyStringPtr(value)})
	}
	return arguments, nil
}

// expression renders a source as a whole value.
func (g *graph) expression(s plan.Source) (string, error) {
	switch s.Kind {
	case plan.Parameter:
		return "{{workflow.parameters." + s.Text + "}}", nil
	case plan.Output:
		return "{{tasks." + g.tasks[s.Step] + ".outputs.parameters." + s.Text + "}}", nil
	case plan.Run:
		return runFact(s.Text), nil
	}
	if strings.Contains(s.Text, "{{") {
		return "", fmt.Errorf("the value %q holds a template expression", s.Text)
	}
	if s.Kind == plan.File {
		return path.Join(folder, s.Text), nil
	}
	return s.Text, nil
}

func runFact(fact string) string {
	if fact == plan.RunCreated {
		return "{{workflow.creationTimestamp.RFC3339}}"
	}
	return "{{workflow." + fact + "}}"
}

// varying finds, for each template, what its pods are told from different
// sources, and what comes from another step: both must be arguments of the task.
// All else is the same wherever the template runs.
func varying(pods []pod) map[string]map[string]bool {
	varying, seen := map[string]map[string]bool{}, map[string]plan.Source{}
	for _, pod := range pods {
		if pod.first().Approval() {
			continue
		}
		template := templateOf(pod)
		if varying[template] == nil {
			varying[template] = map[string]bool{}
		}
		for _, given := range pod.all() {
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
