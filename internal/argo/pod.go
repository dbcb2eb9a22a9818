package argo

import (
	"path"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// pod is the steps that share a pod: the first, which names the task, and those that run
// after it.
type pod struct{ steps []plan.Step }

// podsOf groups the steps of a plan into pods.
func podsOf(steps []plan.Step) []pod {
	var pods []pod
	at := map[string]int{} // step → its pod
	for _, step := range steps {
		index, shared := at[step.Pod]
		if !shared {
			index = len(pods)
			pods = append(pods, pod{})
		}
		pods[index].steps = append(pods[index].steps, step)
		at[step.Name] = index
	}
	return pods
}

// first returns the first step of the pod.
func (p pod) first() plan.Step { return p.steps[0] }

// waits reports whether the pod waits for the gates of an environment.
func (p pod) waits() bool { return p.first().Name == plan.Wait(p.first().Environment) }

// Main is the container that runs the steps of a pod, and as the name of a step within
// its pod that of the first.
const Main = "main"

// container returns the name of a step within its pod. Templates of earlier versions have a
// container of that name for each.
func (p pod) container(index int) string {
	if index == 0 {
		return Main
	}
	return p.steps[index].Contract.Program()
}

// StepOf returns the step of a task by its name within the pod.
func StepOf(task, container string) string {
	environment := plan.DeployedBy(task)
	if container == Main || environment == "" {
		return task
	}
	return plan.Test(environment)
}

// OutputsOf returns the folder of the outputs of a step, by its name within the pod, relative
// to the volume of the pod.
func OutputsOf(container string) string {
	if container == Main {
		return "outputs"
	}
	return path.Join(container, "outputs")
}

// given is one input of a pod: its name, and the source of its value.
type given struct {
	parameter string
	source    plan.Source
}

// stepInput is the pseudo input that holds the name of the step.
const stepInput = "step"

// givens returns the inputs of the step at an index, as inputs of the pod. A later step
// shares an input with the first if their source is the same.
func (p pod) givens(index int) []given {
	step, main := p.steps[index], map[string]plan.Source{}
	if index > 0 {
		for _, input := range p.first().Inputs {
			main[input.Name] = input.Source
		}
	}
	name := func(input string, source plan.Source) string {
		if known, shared := main[input]; index == 0 || shared && known == source {
			return input
		}
		return p.container(index) + "-" + input
	}
	self := plan.Source{Text: step.Name}
	all := []given{{name(stepInput, self), self}}
	for _, input := range step.Inputs {
		all = append(all, given{name(input.Name, input.Source), input.Source})
	}
	return all
}

// all returns all inputs of the pod, each once.
func (p pod) all() []given {
	var all []given
	known := map[string]bool{}
	for index := range p.steps {
		for _, g := range p.givens(index) {
			if !known[g.parameter] {
				known[g.parameter] = true
				all = append(all, g)
			}
		}
	}
	return all
}
