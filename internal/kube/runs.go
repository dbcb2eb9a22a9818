package kube

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/limits"
)

// Incomplete returns the names of a pipeline's runs that have not ended, also of those
// that wait for an approval. Without permission to list all namespaces, it searches the
// given ones.
func (c Cluster) Incomplete(ctx context.Context, pipeline string, namespaces ...string) ([]string, error) {
	runs, err := c.InProgress(ctx, pipeline, namespaces...)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(runs))
	for i, run := range runs {
		names[i] = run.Run
	}
	slices.Sort(names)
	return names, nil
}

// Progress is a run that has not ended.
type Progress struct {
	Run        string
	Created    time.Time
	Parameters map[string]string // by name, as the run was started with
	Waiting    []string          // steps that wait until a person resumes them, in alphabetical order
	Running    []string          // steps that have begun and not ended, in alphabetical order
}

// InProgress returns a pipeline's runs that have not ended, oldest first. Without permission
// to list all namespaces, it searches the given ones.
func (c Cluster) InProgress(ctx context.Context, pipeline string, namespaces ...string) ([]Progress, error) {
	found, err := c.listAll(ctx, "Workflow", selectorOf(pipeline)+",workflows.argoproj.io/completed!=true", namespaces)
	if err != nil {
		return nil, err
	}
	runs := make([]Progress, len(found))
	for i, run := range found {
		runs[i] = Progress{Run: run.GetName(), Created: run.GetCreationTimestamp().UTC(), Parameters: map[string]string{}}
		runs[i].Waiting, runs[i].Running = stepsIn(run)
		parameters, _, _ := unstructured.NestedSlice(run.Object, "spec", "arguments", "parameters")
		for _, entry := range parameters {
			parameter, _ := entry.(map[string]any)
			name, _ := parameter["name"].(string)
			runs[i].Parameters[name], _ = parameter["value"].(string)
		}
	}
	slices.SortFunc(runs, func(a, b Progress) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.Run, b.Run))
	})
	return runs, nil
}

// maxNodes is how many bytes the state of a run's steps may have.
const maxNodes = 32 << 20

// stepsIn returns the steps of a run that are suspended, and those that run. Argo compresses the state of the
// steps of a large run.
func stepsIn(run *unstructured.Unstructured) (waiting, running []string) {
	nodes, _, _ := unstructured.NestedMap(run.Object, "status", "nodes")
	if packed, _, _ := unstructured.NestedString(run.Object, "status", "compressedNodes"); packed != "" {
		in, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(packed)))
		if err != nil {
			return nil, nil
		}
		text, err := limits.ReadAll(in, maxNodes)
		if err != nil || json.Unmarshal(text, &nodes) != nil {
			return nil, nil
		}
	}
	for _, entry := range nodes {
		node, _ := entry.(map[string]any)
		name, _ := node["displayName"].(string)
		switch {
		case node["phase"] != "Running" || name == "":
		case node["type"] == "Suspend":
			waiting = append(waiting, name)
		case node["type"] == "Retry": // of a pod; its attempts have nodes of their own
			running = append(running, name)
		}
	}
	slices.Sort(waiting)
	slices.Sort(running)
	return waiting, running
}

// constrains reports whether a run that has begun may fail under a change of the object:
// what its pods may do, and what the cluster lets them do, changes with it.
func constrains(u *unstructured.Unstructured, created bool) bool {
	limits := ofCluster(u.GetKind()) || u.GetKind() == "NetworkPolicy"
	return limits || grantsPermissions(u) && !created
}
