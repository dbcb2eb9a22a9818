package argo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// podPatch is the change that the specification of each pod of a run gets. It restricts and
// limits the containers that Argo adds: by default, Argo does not restrict them, and the
// level "restricted" then refuses the pod. It also places the pod, in one text, which the
// admission policy compares as a whole.
func (r *renderer) podPatch() string {
	patch := `{"terminationGracePeriodSeconds": ` + gracePeriod + `, "initContainers": [{"name": "init", ` + executorContainer +
		`}], "containers": [{"name": "wait", ` + executorContainer + `}` + r.outsideOfMain() + `]`
	if r.cfg.CABundle != nil {
		patch += `, "volumes": [` + encoded(r.authorities()) + `]`
	}
	place := r.placementKeys()
	for _, key := range slices.Sorted(maps.Keys(place)) {
		patch += fmt.Sprintf(`, %s: %s`, quote(key), place[key])
	}
	return patch + "}"
}

const executorContainer = `"securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}, ` +
	`"resources": {"requests": {"cpu": "10m", "memory": "64Mi", "ephemeral-storage": "16Mi"}, "limits": {"memory": "512Mi", "ephemeral-storage": "1Gi"}}`

// placement is the part of the specification of a pod that says where it runs, and with
// which credentials it gets its images. Kubernetes' own types decode it from the
// configuration, whose keys are theirs.
func (r *renderer) placement() corev1.PodSpec {
	pods := r.cfg.Pods
	pods.Labels, pods.Annotations, pods.Resources.Requests, pods.Resources.Limits = nil, nil, nil, nil
	text, err := json.Marshal(pods)
	if err != nil {
		panic(err) // never: texts and numbers
	}
	var spec corev1.PodSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		panic(err) // never: a test compares the types
	}
	return spec
}

// placementKeys returns the same as JSON, by key.
func (r *renderer) placementKeys() map[string]string {
	text, err := json.Marshal(r.placement())
	var all map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		panic(err) // never: it was encoded by the same library
	}
	keys := map[string]string{}
	for key, value := range all {
		if string(value) != "null" { // containers, which every pod has
			keys[key] = string(value)
		}
	}
	return keys
}

// placed are the conditions that the pods of Argo Events are placed as the configuration
// says; none if it says nothing.
func (r *renderer) placed() []string {
	place := r.placementKeys()
	if len(place) == 0 {
		return nil
	}
	var conditions []string
	for _, key := range slices.Sorted(maps.Keys(place)) {
		var value any
		if err := json.Unmarshal([]byte(place[key]), &value); err != nil {
			panic(err) // never: it was encoded by the same library
		}
		conditions = append(conditions, "object.spec.template."+key+" == "+expressionOf(value))
	}
	return []string{"(!(variables.kind in ['Sensor', 'EventSource']) || " + strings.Join(conditions, " && ") + ")"}
}

// expressionOf writes a value of JSON in CEL, which wants the values of a list and of a
// mapping to have one type.
func expressionOf(value any) string {
	switch value := value.(type) {
	case map[string]any:
		var entries []string
		for _, key := range slices.Sorted(maps.Keys(value)) {
			entries = append(entries, quote(key)+": dyn("+expressionOf(value[key])+")")
		}
		return "{" + strings.Join(entries, ", ") + "}"
	case []any:
		entries := make([]string, len(value))
		for i, entry := range value {
			entries[i] = "dyn(" + expressionOf(entry) + ")"
		}
		return "[" + strings.Join(entries, ", ") + "]"
	case string:
		return quote(value)
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		return fmt.Sprint(value)
	}
}

// podLabels returns the labels of the pods of a component.
func (r *renderer) podLabels(component string) map[string]string {
	labels := r.labels(component)
	maps.Copy(labels, r.cfg.Pods.Labels)
	return labels
}

// podAnnotations asks the autoscalers of the cluster not to evict a pod, as one that is
// evicted during a stack restarts its stage, and EKS to add no identity.
func (r *renderer) podAnnotations() map[string]string {
	annotations := map[string]string{
		"cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
		"karpenter.sh/do-not-disrupt":                    "true",
		annotationSkip:                                   untouched(),
	}
	maps.Copy(annotations, r.cfg.Pods.Annotations)
	return annotations
}
