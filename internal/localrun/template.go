package localrun

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Template is the part of Argo's WorkflowTemplate that a local run supports.
type Template struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata"`
	Spec       Spec     `json:"spec"`
}

// podOnly is a field about pods or stored objects, with no meaning for a process on this
// machine.
type podOnly = json.RawMessage

// Metadata names the template.
type Metadata struct {
	Name              string            `json:"name"`
	Namespace         string            `json:"namespace,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`
	Annotations       map[string]string `json:"annotations,omitempty"`
	CreationTimestamp podOnly           `json:"creationTimestamp,omitempty"`
}

// Spec is the specification of a workflow.
type Spec struct {
	Entrypoint            string    `json:"entrypoint"`
	OnExit                string    `json:"onExit,omitempty"`
	Arguments             Arguments `json:"arguments,omitempty"`
	ActiveDeadlineSeconds int64     `json:"activeDeadlineSeconds,omitempty"`
	Templates             []Node    `json:"templates"`
	Synchronization       *queue    `json:"synchronization,omitempty"`
	ServiceAccountName    string    `json:"serviceAccountName,omitempty"`
	Executor              podOnly   `json:"executor,omitempty"`
	AutomountToken        podOnly   `json:"automountServiceAccountToken,omitempty"`
	WorkflowMetadata      podOnly   `json:"workflowMetadata,omitempty"`
	PodGC                 podOnly   `json:"podGC,omitempty"`
	TTLStrategy           podOnly   `json:"ttlStrategy,omitempty"`
	SecurityContext       podOnly   `json:"securityContext,omitempty"`
	PodMetadata           podOnly   `json:"podMetadata,omitempty"`
	PodSpecPatch          podOnly   `json:"podSpecPatch,omitempty"`
	Metrics               podOnly   `json:"metrics,omitempty"`
}

// queue names the locks that queue the runs of a pipeline. Local runs queue on the state
// folder instead.
type queue struct {
	Mutexes []struct {
		Name string `json:"name"`
	} `json:"mutexes"`
}

// Arguments are values for parameters.
type Arguments struct {
	Parameters []Parameter `json:"parameters,omitempty"`
}

// Parameter is an input or an output by name.
type Parameter struct {
	Name      string     `json:"name"`
	Value     *string    `json:"value,omitempty"`
	Default   *string    `json:"default,omitempty"`
	ValueFrom *ValueFrom `json:"valueFrom,omitempty"`
}

// ValueFrom names the file with an output, and the default if it is missing.
type ValueFrom struct {
	Path    string  `json:"path,omitempty"`
	Default *string `json:"default,omitempty"`
}

// Node is one template inside of the workflow: a graph, which may hold further
// graphs, one or several containers, or a pause. Commands of the repository, which have
// containers of their own in a pod, are processes here.
type Node struct {
	Name                  string      `json:"name"`
	Inputs                Arguments   `json:"inputs,omitempty"`
	Outputs               Arguments   `json:"outputs,omitempty"`
	DAG                   *DAG        `json:"dag,omitempty"`
	Suspend               *Suspend    `json:"suspend,omitempty"`
	Container             *Container  `json:"container,omitempty"`
	ContainerSet          *Set        `json:"containerSet,omitempty"`
	RetryStrategy         *Retry      `json:"retryStrategy,omitempty"`
	ActiveDeadlineSeconds intOrString `json:"activeDeadlineSeconds,omitempty"` // of each attempt
	Synchronization       *queue      `json:"synchronization,omitempty"`
	Volumes               []Volume    `json:"volumes,omitempty"`
	ServiceAccountName    string      `json:"serviceAccountName,omitempty"`
	Metadata              podOnly     `json:"metadata,omitempty"`
	PodSpecPatch          podOnly     `json:"podSpecPatch,omitempty"`
}

// DAG is a graph of tasks.
type DAG struct {
	Tasks []Task `json:"tasks"`
}

// Task is one step of a graph.
type Task struct {
	Name         string    `json:"name"`
	Template     string    `json:"template"`
	Arguments    Arguments `json:"arguments,omitempty"`
	Dependencies []string  `json:"dependencies,omitempty"`
	When         string    `json:"when,omitempty"`
}

// Suspend waits for a person, or for a time.
type Suspend struct {
	Duration string `json:"duration,omitempty"`
}

// Set is containers that run one after another in the same volumes.
type Set struct {
	Containers   []Container `json:"containers"`
	VolumeMounts []Mount     `json:"volumeMounts,omitempty"`
}

// Container is a program to run.
type Container struct {
	Name            string   `json:"name,omitempty"`
	Dependencies    []string `json:"dependencies,omitempty"` // of a set: containers that must have succeeded
	Image           string   `json:"image"`
	Command         []string `json:"command"`
	Args            []string `json:"args,omitempty"`
	Env             []EnvVar `json:"env,omitempty"`
	VolumeMounts    []Mount  `json:"volumeMounts,omitempty"`
	ImagePullPolicy podOnly  `json:"imagePullPolicy,omitempty"`
	Resources       podOnly  `json:"resources,omitempty"`
	SecurityContext podOnly  `json:"securityContext,omitempty"`
}

// EnvVar is one environment variable.
type EnvVar struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// Volume is a folder that is empty when a pod starts, on its node or on a volume, or one with tokens of the pod's
// identity, which a process on this machine does not have.
type Volume struct {
	Name      string  `json:"name"`
	EmptyDir  *Empty  `json:"emptyDir,omitempty"`
	Ephemeral podOnly `json:"ephemeral,omitempty"`
	Projected podOnly `json:"projected,omitempty"`
}

// Empty is an empty folder.
type Empty struct {
	Medium    podOnly `json:"medium,omitempty"`
	SizeLimit podOnly `json:"sizeLimit,omitempty"`
}

// Mount is the path of a volume in a container.
type Mount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
	ReadOnly  bool   `json:"readOnly,omitempty"`
}

// Parse reads a rendered WorkflowTemplate. An unknown field is an error that
// names it.
func Parse(data []byte) (*Template, error) {
	var t Template
	if err := yaml.UnmarshalStrict(data, &t); err != nil {
		return nil, fmt.Errorf("the local run does not support a part of the workflow template: %w", err)
	}
	if t.Kind != "WorkflowTemplate" {
		return nil, fmt.Errorf("the local run runs a WorkflowTemplate, not a %q", t.Kind)
	}
	return &t, t.check()
}

func (t *Template) node(name string) (Node, bool) {
	for _, node := range t.Spec.Templates {
		if node.Name == name {
			return node, true
		}
	}
	return Node{}, false
}

// check finds dangling references before anything runs.
func (t *Template) check() error {
	if _, err := t.graph(t.Spec.Entrypoint); err != nil {
		return err
	}
	if exit, ok := t.node(t.Spec.OnExit); t.Spec.OnExit != "" && (!ok || !exit.runs() && exit.DAG == nil) {
		return fmt.Errorf("the exit handler %q is neither a container nor a graph of this template", t.Spec.OnExit)
	}
	for _, node := range t.Spec.Templates {
		if err := errors.Join(t.checkTasks(node), node.checkSet(), node.checkStages()); err != nil {
			return err
		}
	}
	return nil
}

// checkSet refuses containers that do not run one after another.
func (n Node) checkSet() error {
	if n.ContainerSet == nil {
		return nil
	}
	for i, container := range n.ContainerSet.Containers {
		if i > 0 && !slices.Equal(container.Dependencies, []string{n.ContainerSet.Containers[i-1].Name}) {
			return fmt.Errorf("the local run runs containers one after another, and %q of the template %q does not depend on the one before it", container.Name, n.Name)
		}
	}
	return nil
}

// checkStages refuses a container that runs stages and names none.
func (n Node) checkStages() error {
	if n.Container == nil || !slices.Equal(n.Container.Command, stage.StepsCommand()) {
		return nil
	}
	if _, err := stage.StepsOf(n.Container.Args, nil); err != nil {
		return fmt.Errorf("the container of the template %q: %w", n.Name, err)
	}
	return nil
}

// containers returns the containers in their order, each with what it mounts. A container
// that runs several stages counts as one for each.
func (n Node) containers() []Container {
	if n.ContainerSet == nil {
		return n.Container.stages()
	}
	var all []Container
	for _, container := range n.ContainerSet.Containers {
		container.VolumeMounts = append(slices.Clone(n.ContainerSet.VolumeMounts), container.VolumeMounts...)
		all = append(all, container)
	}
	return all
}

// stages returns a container for each stage that this one runs.
func (c Container) stages() []Container {
	if !slices.Equal(c.Command, stage.StepsCommand()) {
		return []Container{c}
	}
	var environ []string
	for _, variable := range c.Env {
		environ = append(environ, variable.Name+"="+variable.Value)
	}
	steps, _ := stage.StepsOf(c.Args, environ) // checkStages has reported an error
	var all []Container
	for i, step := range steps {
		own := c
		own.Command, own.Args, own.Env = append([]string{step.Program}, step.Args...), nil, nil
		if i > 0 {
			own.Name = step.Program
		}
		for _, entry := range step.Env {
			name, value, _ := strings.Cut(entry, "=")
			own.Env = append(own.Env, EnvVar{name, value})
		}
		all = append(all, own)
	}
	return all
}

// projects reports whether a volume is one that only a cluster fills.
func (n Node) projects(volume string) bool {
	return slices.ContainsFunc(n.Volumes, func(v Volume) bool { return v.Name == volume && v.Projected != nil })
}

// runs reports whether the template runs programs.
func (n Node) runs() bool { return n.Container != nil || n.ContainerSet != nil }

func (t *Template) checkTasks(graph Node) error {
	if graph.DAG == nil {
		return nil
	}
	for _, task := range graph.DAG.Tasks {
		node, ok := t.node(task.Template)
		if !ok || (!node.runs() && node.Suspend == nil && node.DAG == nil) {
			return fmt.Errorf("task %q runs the template %q, which is neither a container, a pause nor a graph of this template", task.Name, task.Template)
		}
	}
	if t.reaches(graph, graph.Name, map[string]bool{}) {
		return fmt.Errorf("the graph %q is a part of itself", graph.Name)
	}
	return nil
}

// reaches reports whether a graph is part of another.
func (t *Template) reaches(from Node, graph string, seen map[string]bool) bool {
	for _, task := range from.DAG.Tasks {
		node, ok := t.node(task.Template)
		if !ok || node.DAG == nil || seen[node.Name] {
			continue
		}
		seen[node.Name] = true
		if node.Name == graph || t.reaches(node, graph, seen) {
			return true
		}
	}
	return false
}

// graph returns the tasks of an entrypoint.
func (t *Template) graph(entrypoint string) ([]Task, error) {
	entry, ok := t.node(entrypoint)
	if !ok || entry.DAG == nil {
		return nil, fmt.Errorf("the entrypoint %q is not a graph of this template", entrypoint)
	}
	return entry.DAG.Tasks, nil
}
