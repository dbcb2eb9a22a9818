package kube

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Check is one prerequisite of a pipeline and its result.
type Check struct {
	What    string // what was checked
	Problem string // what is wrong; empty if the check passed
	Fix     string // how to fix the problem
	Warning bool   // the pipeline can run in spite of the problem
}

// Failed reports whether the pipeline cannot run because of the problem.
func (c Check) Failed() bool { return c.Problem != "" && !c.Warning }

// Preflight checks the prerequisites of a pipeline in a cluster before it is
// installed.
func (c Cluster) Preflight(ctx context.Context, runs, events string) []Check {
	checks := []Check{c.namespace(ctx, runs)}
	if events != runs {
		checks = append(checks, c.namespace(ctx, events))
	}
	images, err := c.controllerImages(ctx, runs, events)
	for _, program := range programs {
		checks = append(checks, program.check(images, err))
	}
	for _, namespace := range slices.Compact([]string{runs, events}) {
		if check, shared := checkApart(namespace, images); shared {
			checks = append(checks, check)
		}
	}
	return append(checks, c.eventBus(ctx, events))
}

func (c Cluster) namespace(ctx context.Context, namespace string) Check {
	check := Check{What: "namespace " + namespace}
	_, err := c.Client.Resource(schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}).Get(ctx, namespace, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		check.Problem, check.Fix = "it does not exist", "kubectl create namespace "+namespace
	case apierrors.IsForbidden(err): // a user with permissions in the namespace only
	case err != nil:
		check.Problem, check.Fix = err.Error(), "check the access: kubectl get namespaces"
	}
	return check
}

// maxEvent is the size of GitHub's largest delivery on the bus, in megabytes: Argo Events
// encodes the 25 MB as base64 in JSON, a third more.
const maxEvent = 34

// eventBus checks the bus that carries events to the Sensor. If its message limit is
// too small for a large push, the reconciler starts the run of that push later.
func (c Cluster) eventBus(ctx context.Context, namespace string) Check {
	check := Check{What: "EventBus default in " + namespace}
	bus, err := c.argo("eventbus", namespace).Get(ctx, "default", metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		check.Problem, check.Fix = "it does not exist", "create one: https://argoproj.github.io/argo-events/eventbus/eventbus/"
		return check
	case err != nil:
		check.Problem, check.Warning, check.Fix = "cannot read it: "+err.Error(), true, "check that it exists"
		return check
	}
	if nats, _, _ := unstructured.NestedMap(bus.Object, "spec", "nats"); nats != nil {
		check.Problem, check.Fix = "it uses NATS Streaming, which cannot filter one event source twice", "use an EventBus with spec.jetstream"
		return check
	}
	if accepted, refused := conditionsOf(bus); !accepted && refused != "" {
		check.Problem, check.Fix = "it is not ready: "+refused, "kubectl describe eventbus default -n "+namespace
		return check
	}
	if stream, _, _ := unstructured.NestedMap(bus.Object, "spec", "jetstream"); stream != nil && megabytes(stream["maxPayload"]) < maxEvent {
		check.Problem, check.Warning = "its message limit is too small for GitHub's largest pushes: the reconciler starts the runs of such pushes later", true
		check.Fix = fmt.Sprintf("set spec.jetstream.maxPayload to %dMB", maxEvent)
	}
	return check
}

// megabytes parses a size of NATS, such as 8MB; a missing one
// is 1MB (Argo Events' default), and an invalid one is assumed to be large enough.
func megabytes(size any) int {
	text, given := size.(string)
	if !given || text == "" {
		return 1
	}
	text = strings.ToUpper(text)
	if strings.HasSuffix(text, "KB") || strings.HasSuffix(text, "K") {
		return 0
	}
	number, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(text, "B"), "M"))
	if err != nil {
		return maxEvent
	}
	return number
}
