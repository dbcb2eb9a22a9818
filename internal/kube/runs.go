package kube

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Incomplete returns the names of a pipeline's runs that have not ended, also of those
// that wait for an approval. Without permission to list all namespaces, it searches the
// given ones.
func (c Cluster) Incomplete(ctx context.Context, pipeline string, namespaces ...string) ([]string, error) {
	runs, err := c.listAll(ctx, "Workflow", selectorOf(pipeline)+",workflows.argoproj.io/completed!=true", namespaces)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(runs))
	for i, run := range runs {
		names[i] = run.GetName()
	}
	slices.Sort(names)
	return names, nil
}

// constrains reports whether a run that has begun may fail under a change of the object:
// what its pods may do, and what the cluster lets them do, changes with it.
func constrains(u *unstructured.Unstructured, created bool) bool {
	limits := ofCluster(u.GetKind()) || u.GetKind() == "NetworkPolicy"
	return limits || grantsPermissions(u) && !created
}
