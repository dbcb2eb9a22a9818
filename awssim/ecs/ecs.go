// Package ecs simulates the reading part of ECS: the services and task definitions that stacks
// have deployed, and tasks that a test lets stop. No container runs.
package ecs

import (
	"slices"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/inventory"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Task is a stopped task of a service.
type Task struct {
	ID            string // the last part of its ARN
	Cluster       string
	Service       string // its name
	StoppedReason string
	StopCode      string // such as EssentialContainerExited
	Containers    []Container
}

// Container is a container of a stopped task.
type Container struct {
	Name     string
	Reason   string
	ExitCode *int
}

// Store holds the stopped tasks of every account and region. It is safe for concurrent use.
type Store struct {
	wire.Table[Task]
	deployed inventory.Source
}

// New makes a store beside what stacks have deployed.
func New(deployed inventory.Source) *Store { return &Store{deployed: deployed} }

// Stop adds a stopped task, as ECS shows it for an hour.
func (s *Store) Stop(account, region string, task Task) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Set(wire.Place(account, region), task.ID, task)
}

// Service is ECS over the store.
func (s *Store) Service() wire.Service {
	return wire.Service{Name: "ecs", Protocol: wire.JSON, Operations: map[string]wire.Handler{
		"DescribeServices":       wire.Typed(s.describeServices),
		"DescribeTaskDefinition": wire.Typed(s.describeTaskDefinition),
		"DescribeTasks":          wire.Typed(s.describeTasks),
		"ListTasks":              wire.Typed(s.listTasks),
	}}
}

// cluster returns the name of a cluster that is named, by itself or its ARN.
func cluster(given string) string {
	if given == "" {
		return "default"
	}
	return given[strings.LastIndex(given, "/")+1:]
}

// hasCluster reports whether a cluster exists: a deployed one, or the default one.
func (s *Store) hasCluster(call *wire.Call, name string) bool {
	return name == "default" || slices.ContainsFunc(s.deployed(call.Caller.Account, call.Region, "AWS::ECS::Cluster"), func(r inventory.Resource) bool { return r.ID == name }) ||
		slices.ContainsFunc(s.All(call.Place()), func(t Task) bool { return t.Cluster == name })
}

func absentCluster() error { return wire.Errorf("ClusterNotFoundException", "Cluster not found.") }

// service finds a deployed service by name or ARN.
func (s *Store) service(call *wire.Call, cluster, given string) (inventory.Resource, bool) {
	name := given[strings.LastIndex(given, "/")+1:]
	for _, r := range s.deployed(call.Caller.Account, call.Region, "AWS::ECS::Service") {
		if strings.HasSuffix(r.ID, "/"+cluster+"/"+name) || r.ID == name {
			return r, true
		}
	}
	return inventory.Resource{}, false
}

type listInput struct {
	Cluster       string `json:"cluster"`
	ServiceName   string `json:"serviceName"`
	DesiredStatus string `json:"desiredStatus"`
	MaxResults    *int   `json:"maxResults"`
}

// listTasks lists the stopped tasks; none is running.
func (s *Store) listTasks(call *wire.Call, in listInput) (any, error) {
	if err := call.Permit("ecs:ListTasks", "*"); err != nil {
		return nil, err
	}
	name := cluster(in.Cluster)
	switch {
	case !slices.Contains([]string{"", "RUNNING", "PENDING", "STOPPED"}, in.DesiredStatus):
		return nil, wire.Errorf("InvalidParameterException", "desiredStatus is invalid")
	case in.MaxResults != nil && (*in.MaxResults < 1 || *in.MaxResults > 100):
		return nil, wire.Errorf("InvalidParameterException", "maxResults must be between 1 and 100")
	case !s.hasCluster(call, name):
		return nil, absentCluster()
	}
	if in.ServiceName != "" {
		if _, exists := s.service(call, name, in.ServiceName); !exists {
			return nil, wire.Errorf("ServiceNotFoundException", "Service not found.")
		}
	}
	arns := []string{}
	for _, t := range s.All(call.Place()) {
		if in.DesiredStatus == "STOPPED" && t.Cluster == name && (in.ServiceName == "" || strings.HasSuffix("/"+in.ServiceName, "/"+t.Service)) {
			arns = append(arns, t.arn(call))
		}
	}
	if in.MaxResults != nil {
		arns = arns[:min(len(arns), *in.MaxResults)]
	}
	return map[string]any{"taskArns": arns}, nil
}

func (t Task) arn(call *wire.Call) string { return call.ARN("ecs", "task/"+t.Cluster+"/"+t.ID) }

type tasksInput struct {
	Cluster string   `json:"cluster"`
	Tasks   []string `json:"tasks"`
}

func (s *Store) describeTasks(call *wire.Call, in tasksInput) (any, error) {
	if err := call.Permit("ecs:DescribeTasks", "*"); err != nil {
		return nil, err
	}
	switch {
	case len(in.Tasks) == 0:
		return nil, wire.Errorf("InvalidParameterException", "Tasks cannot be empty.")
	case len(in.Tasks) > 100:
		return nil, wire.Errorf("InvalidParameterException", "Tasks cannot have more than 100 elements.")
	case !s.hasCluster(call, cluster(in.Cluster)):
		return nil, absentCluster()
	}
	tasks, failures := []any{}, []any{}
	for _, given := range in.Tasks {
		all := s.All(call.Place())
		at := slices.IndexFunc(all, func(t Task) bool {
			return t.ID == given[strings.LastIndex(given, "/")+1:] && t.Cluster == cluster(in.Cluster)
		})
		if at < 0 {
			failures = append(failures, map[string]any{"arn": given, "reason": "MISSING"})
			continue
		}
		tasks = append(tasks, all[at].view(call))
	}
	return map[string]any{"tasks": tasks, "failures": failures}, nil
}

func (t Task) view(call *wire.Call) map[string]any {
	containers := []any{}
	for _, c := range t.Containers {
		view := map[string]any{"name": c.Name, "lastStatus": "STOPPED"}
		if c.Reason != "" {
			view["reason"] = c.Reason
		}
		if c.ExitCode != nil {
			view["exitCode"] = *c.ExitCode
		}
		containers = append(containers, view)
	}
	return map[string]any{
		"taskArn": t.arn(call), "clusterArn": call.ARN("ecs", "cluster/"+t.Cluster), "group": "service:" + t.Service, "lastStatus": "STOPPED", "desiredStatus": "STOPPED",
		"stopCode": t.StopCode, "stoppedReason": t.StoppedReason, "containers": containers,
	}
}

type servicesInput struct {
	Cluster  string   `json:"cluster"`
	Services []string `json:"services"`
}

func (s *Store) describeServices(call *wire.Call, in servicesInput) (any, error) {
	if err := call.Permit("ecs:DescribeServices", "*"); err != nil {
		return nil, err
	}
	name := cluster(in.Cluster)
	switch {
	case len(in.Services) == 0 || len(in.Services) > 10:
		return nil, wire.Errorf("InvalidParameterException", "Services must have between 1 and 10 elements.")
	case !s.hasCluster(call, name):
		return nil, absentCluster()
	}
	services, failures := []any{}, []any{}
	for _, given := range in.Services {
		r, exists := s.service(call, name, given)
		if !exists {
			failures = append(failures, map[string]any{"arn": given, "reason": "MISSING"})
			continue
		}
		services = append(services, map[string]any{
			"serviceArn": r.ID, "serviceName": r.ID[strings.LastIndex(r.ID, "/")+1:], "clusterArn": call.ARN("ecs", "cluster/"+name), "status": "ACTIVE",
			"taskDefinition": r.Text("TaskDefinition"),
		})
	}
	return map[string]any{"services": services, "failures": failures}, nil
}

type definitionInput struct {
	TaskDefinition string `json:"taskDefinition"`
}

// describeTaskDefinition returns the containers with where they log to.
func (s *Store) describeTaskDefinition(call *wire.Call, in definitionInput) (any, error) {
	if err := call.Permit("ecs:DescribeTaskDefinition", "*"); err != nil {
		return nil, err
	}
	for _, r := range s.deployed(call.Caller.Account, call.Region, "AWS::ECS::TaskDefinition") {
		if r.ID != in.TaskDefinition {
			continue
		}
		containers := []any{}
		for _, c := range r.Each("ContainerDefinitions") {
			view := map[string]any{"name": c.Text("Name")}
			if logging, ok := c.Properties["LogConfiguration"].(map[string]any); ok {
				view["logConfiguration"] = map[string]any{"logDriver": logging["LogDriver"], "options": logging["Options"]}
			}
			containers = append(containers, view)
		}
		return map[string]any{"taskDefinition": map[string]any{"taskDefinitionArn": r.ID, "containerDefinitions": containers}}, nil
	}
	return nil, wire.Errorf("ClientException", "Unable to describe task definition.")
}
