package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
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

// Prerequisites say what a pipeline is about to use in a cluster.
type Prerequisites struct {
	Pipeline     string // label of its objects
	Runs, Events string // namespaces
	Token        string // Secret in Runs that its pods mount
	Shared       bool   // whether a person accepts what else runs in the namespaces
	Needs        []Need // objects of others that the pods name
}

// Preflight checks the prerequisites of a pipeline in a cluster before it is
// installed.
func (c Cluster) Preflight(ctx context.Context, p Prerequisites) []Check {
	namespaces := slices.Compact([]string{p.Runs, p.Events})
	server, reached := c.checkServer(ctx)
	checks := []Check{server}
	if !reached {
		return checks // all others would say the same
	}
	for _, namespace := range namespaces {
		checks = append(checks, c.namespace(ctx, namespace))
	}
	images, err := c.controllerImages(ctx, namespaces...)
	for _, program := range programs {
		checks = append(checks, program.check(images, err))
	}
	for _, namespace := range namespaces {
		checks = append(checks, c.checkApart(ctx, p, namespace, images)...)
	}
	checks = append(checks, c.checkToken(ctx, p)...)
	for _, need := range p.Needs {
		checks = append(checks, c.checkNeed(ctx, need))
	}
	return append(checks, c.eventBus(ctx, p.Events))
}

// sidecars is the first version of Kubernetes that runs native sidecars without being told
// to: the containers in which commands run. An older one runs none of them, and each pod
// with one waits until its deadline.
var sidecars = version{1, 29, 0}

// checkServer refuses a cluster that is too old for the pods of a run, and reports whether
// there is an API server that answers.
func (c Cluster) checkServer(ctx context.Context) (check Check, reached bool) {
	check = Check{What: "version of Kubernetes", Warning: true, Fix: fmt.Sprintf("check that it is not below %d.%d: kubectl version", sidecars.major, sidecars.minor)}
	answer, err := c.Raw(ctx, "/version")
	var refused apierrors.APIStatus
	switch {
	case errors.As(err, &refused):
		check.Problem = "cannot read it: " + err.Error()
		return check, true
	case err != nil:
		return Check{What: "API server of the cluster", Problem: "it cannot be reached: " + err.Error(), Fix: "check the cluster and your access to it: kubectl version"}, false
	}
	var server struct {
		GitVersion string `json:"gitVersion"`
	}
	_ = json.Unmarshal(answer, &server)
	found, known := parseVersion(server.GitVersion)
	switch {
	case !known:
		check.Problem = fmt.Sprintf("cannot parse %q", server.GitVersion)
		return check, true
	case found.below(sidecars):
		return Check{
			What: "Kubernetes " + server.GitVersion, Problem: "it does not run native sidecar containers, which commands of the repository run in",
			Fix: fmt.Sprintf("update the cluster to Kubernetes %d.%d or later", sidecars.major, sidecars.minor),
		}, true
	}
	return Check{What: "Kubernetes " + server.GitVersion}, true
}

// checkApart refuses a namespace that the pipeline shares with a controller of Argo, whose
// identity may do what no pipeline may, or with another pipeline: Kubernetes does not
// separate what is in one namespace. A person may accept it.
func (c Cluster) checkApart(ctx context.Context, p Prerequisites, namespace string, images []running) []Check {
	var others []string
	for _, program := range programs {
		if slices.ContainsFunc(images, func(found running) bool { return found.namespace == namespace && program.runsAs(found.image) }) {
			others = append(others, "the controller of "+program.name+" runs")
		}
	}
	neighbours, err := c.neighbours(ctx, p.Pipeline, namespace)
	if err != nil {
		return []Check{{What: "namespace " + namespace + " for this pipeline alone", Warning: true, Problem: "cannot list its pipelines: " + err.Error(), Fix: "check that it has no other pipeline"}}
	}
	for _, neighbour := range neighbours {
		others = append(others, "the pipeline "+neighbour+" is")
	}
	var checks []Check
	for _, other := range others {
		checks = append(checks, Check{
			What: "namespace " + namespace + " for this pipeline alone", Warning: p.Shared,
			Problem: other + " in it, and Kubernetes does not separate the identities, Secrets and pods of one namespace",
			Fix:     "set argoNamespace and argoEventsNamespace to namespaces of this pipeline only, or accept it with --allow-shared-namespaces",
		})
	}
	return checks
}

// neighbours lists the other pipelines that have objects in a namespace.
func (c Cluster) neighbours(ctx context.Context, pipeline, namespace string) ([]string, error) {
	var all []string
	for _, kind := range []string{"Sensor", "WorkflowTemplate"} {
		found, err := c.list(ctx, kind, namespace, manifest.LabelManagedBy+"="+manifest.ManagedBy)
		if err != nil {
			return nil, err
		}
		for _, u := range found {
			if other := u.GetLabels()[manifest.LabelPipeline]; other != "" && other != pipeline && !slices.Contains(all, other) {
				all = append(all, other)
			}
		}
	}
	return all, nil
}

// checkToken looks for the token that the pods of an installed pipeline mount: without it
// they wait for good, and no run ends.
func (c Cluster) checkToken(ctx context.Context, p Prerequisites) []Check {
	installed, err := c.list(ctx, "WorkflowTemplate", p.Runs, selectorOf(p.Pipeline))
	if err != nil || len(installed) == 0 {
		return nil
	}
	check := Check{What: "token of the pods in secret " + p.Token}
	found, err := c.resource(reference(manifest.Object{Kind: "Secret", Namespace: p.Runs, Name: p.Token})).Get(ctx, p.Token, metav1.GetOptions{})
	switch {
	case apierrors.IsForbidden(err):
		check.Problem, check.Warning, check.Fix = "cannot read it: "+err.Error(), true, "check that it exists: pods do not start without it"
	case apierrors.IsNotFound(err):
		check.Problem, check.Warning, check.Fix = "it does not exist, and pods do not start without it", true, "generator apply creates it"
	case err != nil:
		check.Problem, check.Warning, check.Fix = err.Error(), true, "check that it exists: pods do not start without it"
	case !hasToken(found):
		check.Problem, check.Warning = "Kubernetes has written no token into it, and pods do not start without one", true
		check.Fix = "kubectl delete secret " + p.Token + " -n " + p.Runs + ", then generator apply"
	}
	return []Check{check}
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
