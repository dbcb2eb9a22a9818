package kube

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// RunPod is a pod of a run, which ran one attempt of a task.
type RunPod struct {
	Namespace, Name string
	Task            string // such as deploy-dev
	Created         time.Time
	Pending         bool // none of its containers has started
}

const (
	ofRun     = "workflows.argoproj.io/workflow"
	completed = "workflows.argoproj.io/completed"
	nodeName  = "workflows.argoproj.io/node-name"
	// stages is the container of a pod that runs stages.
	stages = "main"
)

// PodsOf returns the pods of a pipeline's run that are still there, oldest first, and
// whether the run has ended.
func (c Cluster) PodsOf(ctx context.Context, run, namespace string) (pods []RunPod, ended bool, err error) {
	workflow, err := c.argo("workflows", namespace).Get(ctx, run, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		ended = true
	case err != nil:
		return nil, false, explain(reference(manifest.Object{Kind: "Workflow", Namespace: namespace, Name: run}), err)
	default:
		ended = workflow.GetLabels()[completed] == "true"
	}
	found, err := c.list(ctx, "Pod", namespace, ofRun+"="+run)
	if err != nil {
		return nil, false, explain(reference(manifest.Object{Kind: "Pod", Namespace: namespace}), err)
	}
	for _, pod := range found {
		phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
		pods = append(pods, RunPod{
			Namespace: pod.GetNamespace(), Name: pod.GetName(), Task: taskOf(pod.GetAnnotations()[nodeName]), Created: pod.GetCreationTimestamp().UTC(),
			Pending: phase == "Pending",
		})
	}
	slices.SortFunc(pods, func(a, b RunPod) int { return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.Name, b.Name)) })
	return pods, ended, nil
}

// taskOf returns the task of a node of Argo, such as shop-1.deploy-dev(0).
func taskOf(node string) string {
	task, _, _ := strings.Cut(node[strings.LastIndex(node, ".")+1:], "(")
	return task
}

// Log opens what the stages of a pod printed. It ends with what there is now or, if it is
// followed, with the container.
func (c Cluster) Log(ctx context.Context, pod RunPod, follow bool) (io.ReadCloser, error) {
	log, err := c.Stream(ctx, fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log?container=%s&follow=%t", pod.Namespace, pod.Name, stages, follow))
	if err != nil {
		return nil, explain(reference(manifest.Object{Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name}), err)
	}
	return log, nil
}
