package argo

import (
	"fmt"
	"strings"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// graph renders the steps of a plan: the tasks, and on the way the template of
// every stage in them.
type graph struct {
	*renderer
	varying   map[string]map[string]bool // stage → inputs whose source differs between its steps
	templates []wfv1.Template
	rendered  map[string]bool
}

// nodes renders everything that a run consists of, the whole run first.
func (r *renderer) nodes(p plan.Plan) ([]wfv1.Template, error) {
	g := &graph{renderer: r, varying: varyingInputs(p.Steps), rendered: map[string]bool{}}
	run, err := g.dag(Entrypoint, p.Steps)
	if err != nil {
		return nil, err
	}
	run.Synchronization = r.queue()
	check, err := g.dag(CheckEntry, p.Check)
	if err != nil {
		return nil, err
	}
	exit, err := g.dag(exitGraph, []plan.Step{p.Exit})
	if err != nil {
		return nil, err
	}
	if p.Watch != nil {
		exit.DAG.Tasks[0].When = notWatching
		if err := g.renderOnce(p.Watch.Step); err != nil {
			return nil, err
		}
	}
	return append([]wfv1.Template{run, check, exit}, g.templates...), nil
}

// notWatching keeps a look for missed pushes, which runs every few minutes and
// mostly finds nothing, out of the records of runs.
const notWatching = "'{{workflow.mainEntrypoint}}' != '" + WatchEntry + "'"

func (g *graph) dag(name string, steps []plan.Step) (wfv1.Template, error) {
	var tasks []wfv1.DAGTask
	for _, step := range steps {
		task := wfv1.DAGTask{Name: step.Name, Template: templateOf(step), Dependencies: step.After}
		arguments, err := g.argumentsOf(step)
		if err != nil {
			return wfv1.Template{}, err
		}
		task.Arguments.Parameters = arguments
		tasks = append(tasks, task)
		if err := g.renderOnce(step); err != nil {
			return wfv1.Template{}, err
		}
	}
	return wfv1.Template{Name: name, DAG: &wfv1.DAGTemplate{Tasks: tasks}}, nil
}

// templateOf names the template that a step uses: one a stage, however many
// steps run it, so that the object stays small with many environments.
func templateOf(step plan.Step) string {
	switch {
	case step.Approval():
		return approval
	case step.Name == ExitStep, step.Name == plan.Reconcile:
		return step.Name
	default:
		return step.Contract.Name()
	}
}

func (g *graph) renderOnce(step plan.Step) error {
	name := templateOf(step)
	if g.rendered[name] {
		return nil
	}
	g.rendered[name] = true
	if step.Approval() {
		g.templates = append(g.templates, wfv1.Template{Name: approval, Suspend: &wfv1.SuspendTemplate{}})
		return nil
	}
	template, err := g.stage(name, step)
	g.templates = append(g.templates, template)
	return err
}

// stepInput is the pseudo input that tells a stage which step it is.
const stepInput = "step"

// argumentsOf renders what differs between the steps of one stage.
func (g *graph) argumentsOf(step plan.Step) ([]wfv1.Parameter, error) {
	if step.Approval() {
		return nil, nil
	}
	varying := g.varying[step.Contract.Name()]
	var arguments []wfv1.Parameter
	if varying[stepInput] {
		arguments = append(arguments, wfv1.Parameter{Name: stepInput, Value: wfv1.AnyStringPtr(step.Name)})
	}
	for _, input := range step.Inputs {
		if !varying[input.Name] {
			continue
		}
		value, err := expression(input.Source)
		if err != nil {
			return nil, fmt.Errorf("step %q, input %q: %w", step.Name, input.Name, err)
		}
		arguments = append(arguments, wfv1.Parameter{Name: input.Name, Value: wfv1.AnyStringPtr(value)})
	}
	return arguments, nil
}

// expression renders a source as a whole value.
func expression(s plan.Source) (string, error) {
	switch s.Kind {
	case plan.Parameter:
		return "{{workflow.parameters." + s.Text + "}}", nil
	case plan.Output:
		return "{{tasks." + s.Step + ".outputs.parameters." + s.Text + "}}", nil
	case plan.Run:
		return runFact(s.Text), nil
	}
	if strings.Contains(s.Text, "{{") {
		return "", fmt.Errorf("the value %q holds a template expression", s.Text)
	}
	return s.Text, nil
}

func runFact(fact string) string {
	if fact == plan.RunCreated {
		return "{{workflow.creationTimestamp.RFC3339}}"
	}
	return "{{workflow." + fact + "}}"
}

// varyingInputs finds, for each stage, the inputs that its steps take from
// different sources, and those that come from another step: both must be
// arguments of the step. All others are the same wherever the stage runs.
func varyingInputs(steps []plan.Step) map[string]map[string]bool {
	varying, seen := map[string]map[string]bool{}, map[string]plan.Source{}
	note := func(stage, input string, source plan.Source) {
		key := stage + " " + input
		known, before := seen[key]
		seen[key] = source
		if source.Kind == plan.Output || (before && known != source) {
			if varying[stage] == nil {
				varying[stage] = map[string]bool{}
			}
			varying[stage][input] = true
		}
	}
	for _, step := range steps {
		if step.Approval() {
			continue
		}
		note(step.Contract.Name(), stepInput, plan.Source{Text: step.Name})
		for _, input := range step.Inputs {
			note(step.Contract.Name(), input.Name, input.Source)
		}
	}
	return varying
}
