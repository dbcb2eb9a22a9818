package kube

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// Receiver identifies the webhook and Sensor of a pipeline, which receive pushes and
// start runs.
type Receiver struct {
	Namespace   string // of all objects
	EventSource string // its pod listens to GitHub
	Service     string // in front of that pod; "" is none
	Port        int
	Path        string // of the webhook, with a leading slash
	Sensor      string // its pod subscribes to the bus
	Template    string // version of the WorkflowTemplate that a push is to run
	Triggers    int    // of the Sensor; each subscribes by itself
}

// startOfReceiver is how long the pods of Argo Events may take to start, including the
// pull of their image.
const startOfReceiver = 3 * time.Minute

// settled is how long a pod must be ready to be regarded as subscribed without a look at
// its log, which may be rotated or not readable for the user.
const settled = 20 * time.Second

// maxLog is how much of a pod's log is read, in bytes. The subscription is logged at its
// beginning.
const maxLog = 1 << 20

// AwaitReceiver waits until a push can start a run: the webhook's pod listens, and
// the Sensor's pod has subscribed to the bus. Earlier deliveries are refused or
// lost. It does not wait for what it has no permission to read, and returns a note
// for each.
func (c Cluster) AwaitReceiver(ctx context.Context, r Receiver) (notes []string, err error) {
	for _, part := range []func(context.Context, Receiver) (missing string, err error){c.listens, c.subscribed} {
		note, err := c.await(ctx, r, part)
		if err != nil {
			return notes, err
		}
		if note != "" {
			notes = append(notes, note)
		}
	}
	return notes, nil
}

// await repeats a check until nothing is missing.
func (c Cluster) await(ctx context.Context, r Receiver, check func(context.Context, Receiver) (string, error)) (note string, err error) {
	waiting, cancel := context.WithTimeout(ctx, cmp.Or(c.Start, startOfReceiver))
	defer cancel()
	missing := ""
	for {
		found, err := check(waiting, r)
		switch {
		case err == nil && found == "":
			return "", nil
		case apierrors.IsForbidden(err):
			return "no permission to check whether a push would start a run: " + err.Error(), nil
		case err == nil:
			missing = found
		case waiting.Err() == nil:
			return "", fmt.Errorf("listing the pods of Argo Events in namespace %q: %w", r.Namespace, err)
		}
		select {
		case <-time.After(pollEvery):
		case <-waiting.Done():
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return "", errs.Temporaryf("the pipeline is applied, but does not receive pushes yet: %s", missing).
				WithHint("kubectl describe pods -n %s -l eventsource-name=%s; kubectl describe pods -n %s -l sensor-name=%s",
					r.Namespace, r.EventSource, r.Namespace, r.Sensor)
		}
	}
}

// listens returns why the webhook does not answer, or "".
func (c Cluster) listens(ctx context.Context, r Receiver) (missing string, err error) {
	pod, missing, err := c.readyPod(ctx, r.Namespace, "eventsource-name="+r.EventSource, "EVENTSOURCE_OBJECT", "")
	if missing != "" || err != nil {
		return missing, err
	}
	if r.Service != "" {
		// The API server forwards the request; the webhook answers each method but POST.
		path := fmt.Sprintf("/api/v1/namespaces/%s/services/http:%s:%d/proxy%s", r.Namespace, r.Service, r.Port, r.Path)
		switch _, err := c.Raw(ctx, path); {
		case apierrors.IsForbidden(err):
		case unreachable(err):
			return "service/" + r.Service + " does not answer", nil
		default:
			return "", nil
		}
	}
	return c.logged(ctx, pod, "route is activated", 1, "does not listen")
}

// subscribed returns why the Sensor does not receive pushes, or "".
func (c Cluster) subscribed(ctx context.Context, r Receiver) (missing string, err error) {
	pod, missing, err := c.readyPod(ctx, r.Namespace, "sensor-name="+r.Sensor, "SENSOR_OBJECT", r.Template)
	if missing != "" || err != nil {
		return missing, err
	}
	return c.logged(ctx, pod, "Subscribing to subject", r.Triggers, "has not subscribed to the event bus")
}

// unreachable reports whether the API server could not forward a request.
func unreachable(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err != nil
	}
	code := status.Status().Code
	return code == http.StatusBadGateway || code == http.StatusServiceUnavailable || code == http.StatusGatewayTimeout
}

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// readyPod returns the ready pod that Argo Events runs for an object. A variable of the pod
// has the object in base64; a pod with an object that does not name the version is about
// to be replaced.
func (c Cluster) readyPod(ctx context.Context, namespace, selector, variable, version string) (pod *unstructured.Unstructured, missing string, err error) {
	list, err := c.Client.Resource(pods).Namespace(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, "", err
	}
	missing = "no pod has the label " + selector
	for i := range list.Items {
		found := &list.Items[i]
		switch {
		case found.GetDeletionTimestamp() != nil:
		case !strings.Contains(objectOf(found, variable), version):
			missing = "pod/" + found.GetName() + " still starts runs of an earlier version"
		case readySince(found).IsZero():
			missing = "pod/" + found.GetName() + " is not ready" + reasonOf(found)
		default:
			pod = found
		}
	}
	if pod == nil {
		return nil, missing, nil
	}
	return pod, "", nil
}

// objectOf decodes the object of a pod of Argo Events; "" is none.
func objectOf(pod *unstructured.Unstructured, variable string) string {
	containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
	for _, container := range containers {
		fields, _ := container.(map[string]any)
		env, _ := fields["env"].([]any)
		for _, entry := range env {
			if named, _ := entry.(map[string]any); named["name"] == variable {
				text, _ := named["value"].(string)
				object, _ := base64.StdEncoding.DecodeString(text)
				return string(object)
			}
		}
	}
	return ""
}

// readySince returns the time since which a pod is ready; the zero time is not ready.
func readySince(pod *unstructured.Unstructured) time.Time {
	conditions, _, _ := unstructured.NestedSlice(pod.Object, "status", "conditions")
	for _, entry := range conditions {
		condition, _ := entry.(map[string]any)
		if condition["type"] == "Ready" && condition["status"] == "True" {
			text, _ := condition["lastTransitionTime"].(string)
			since, _ := time.Parse(time.RFC3339, text)
			return since
		}
	}
	return time.Time{}
}

// reasonOf returns what a container of the pod waits for, such as its image.
func reasonOf(pod *unstructured.Unstructured) string {
	statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	for _, entry := range statuses {
		status, _ := entry.(map[string]any)
		if reason, _, _ := unstructured.NestedString(status, "state", "waiting", "reason"); reason != "" {
			message, _, _ := unstructured.NestedString(status, "state", "waiting", "message")
			return strings.TrimSuffix(": "+reason+", "+message, ", ")
		}
	}
	return ""
}

// logged checks that a line occurs in the log of a pod the given number of times, if the
// log may be read.
func (c Cluster) logged(ctx context.Context, pod *unstructured.Unstructured, line string, times int, missing string) (string, error) {
	if c.now().Sub(readySince(pod)) > settled {
		return "", nil
	}
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/log?limitBytes=%d", pod.GetNamespace(), pod.GetName(), maxLog)
	text, err := c.Raw(ctx, path)
	if err == nil && strings.Count(string(text), line) >= times {
		return "", nil
	}
	return "pod/" + pod.GetName() + " " + missing, nil
}
