package argo

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/aphex/aphex-pipeline/internal/config"
)

// Keys of what the containers of commands request.
const (
	building = "commands of a build"
	running  = "commands"
	waiting  = "commands after others"
)

// need is what a container requests, and its limits. An empty limit is the configured
// one: all sizes that the repository decides arrive there.
type need struct {
	cpu, memory, storage      string
	mostMemory, mostOfStorage string
}

// needs lists the containers whose need is not that of a stage, which reads, packs and
// sends: what commands of the repository need, their containers have. A build compiles.
var needs = map[string]need{
	building:             {cpu: "1", memory: "2Gi", storage: "1Gi"},
	running:              {cpu: "250m", memory: "1Gi", storage: "256Mi"},
	waiting:              {cpu: "10m", memory: "32Mi", storage: "16Mi"},
	"validator":          {cpu: "100m", memory: "256Mi", storage: "256Mi"},
	"deployer-record":    {cpu: "50m", memory: "64Mi", storage: "16Mi", mostMemory: "1Gi", mostOfStorage: "1Gi"},
	"deployer-reconcile": {cpu: "50m", memory: "64Mi", storage: "16Mi", mostMemory: "1Gi", mostOfStorage: "1Gi"},
	"deployer-gate":      {cpu: "10m", memory: "20Mi", storage: "1Mi", mostMemory: "1Gi", mostOfStorage: "1Gi"},
	"webhook":            {cpu: "50m", memory: "128Mi", storage: "16Mi", mostMemory: "1Gi", mostOfStorage: "1Gi"},
	"trigger":            {cpu: "50m", memory: "128Mi", storage: "16Mi", mostMemory: "1Gi", mostOfStorage: "1Gi"},
}

var usualNeed = need{cpu: "100m", memory: "256Mi", storage: "256Mi"}

// resources renders what a container asks for and may use. There is no limit of the
// CPU: a container that wants more takes only what no other wants.
func resources(container string, limits config.PodLimits) corev1.ResourceRequirements {
	n, special := needs[container]
	if !special {
		n = usualNeed
	}
	if n.mostMemory == "" {
		n.mostMemory, n.mostOfStorage = limits.Memory, limits.Storage
	}
	memory, storage := resource.MustParse(n.mostMemory), resource.MustParse(n.mostOfStorage)
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse(n.cpu),
			corev1.ResourceMemory:           least(n.memory, memory),
			corev1.ResourceEphemeralStorage: least(n.storage, storage),
		},
		Limits: corev1.ResourceList{corev1.ResourceMemory: memory, corev1.ResourceEphemeralStorage: storage},
	}
}

// commandsResources renders those of a container for commands: what the configuration names
// comes before what such a container usually needs.
func commandsResources(container string, given config.Resources) corev1.ResourceRequirements {
	n := needs[container]
	all := corev1.ResourceRequirements{Requests: corev1.ResourceList{}, Limits: corev1.ResourceList{}}
	for name, most := range given.Limits {
		all.Limits[corev1.ResourceName(name)] = resource.MustParse(most)
	}
	for name, asked := range map[string]string{config.CPU: n.cpu, config.Memory: n.memory, config.EphemeralStorage: n.storage} {
		if own, named := given.Requests[name]; named && container != waiting {
			asked = own
		}
		limit, limited := all.Limits[corev1.ResourceName(name)]
		if !limited {
			limit = resource.MustParse(asked)
		}
		all.Requests[corev1.ResourceName(name)] = least(asked, limit)
	}
	return all
}

// least is a request within its limit: Kubernetes refuses a greater one.
func least(request string, limit resource.Quantity) resource.Quantity {
	if asked := resource.MustParse(request); asked.Cmp(limit) < 0 {
		return asked
	}
	return limit
}
