package config

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// Names of resources of a container, as Kubernetes has them.
const (
	CPU              = "cpu"
	Memory           = "memory"
	EphemeralStorage = "ephemeral-storage"
)

// The limits of the memory of commands, for an error that says what raises them.
const (
	BuildMemory    = "the limit build.resources.limits.memory, or else pods.resources.limits.memory, or else podLimits.memory"
	CommandsMemory = "the limit pods.resources.limits.memory, or else podLimits.memory"
)

// BuildResources returns what the container of the build commands requests and its limits,
// as far as the configuration names them.
func (c *Config) BuildResources() Resources {
	return Resources{
		Requests: over(c.Build.Resources.Requests, c.Pods.Resources.Requests),
		Limits:   over(c.Build.Resources.Limits, c.CommandResources().Limits),
	}
}

// CommandResources is BuildResources for the containers of other commands.
func (c *Config) CommandResources() Resources {
	return Resources{
		Requests: c.Pods.Resources.Requests,
		Limits:   over(c.Pods.Resources.Limits, map[string]string{Memory: c.PodLimits.Memory, EphemeralStorage: c.PodLimits.Storage}),
	}
}

// over returns the values of the first mapping, and those of the second that it lacks.
func over(first, second map[string]string) map[string]string {
	merged := maps.Clone(second)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, first)
	return merged
}

// checkPods checks what Kubernetes would refuse of the pods when they start.
func checkPods(c *Config, r *report) {
	checkLabels(r, "pods.nodeSelector", c.Pods.NodeSelector)
	checkLabels(r, "pods.labels", c.Pods.Labels)
	for _, key := range slices.Sorted(maps.Keys(c.Pods.Annotations)) {
		if value := c.Pods.Annotations[key]; strings.Contains(value, "{{") {
			r.atPath("pods.annotations."+key, "%s has two braces in a row, which Argo takes for an expression", key)
		}
	}
	checkResources(r, "pods.resources", c.Pods.Resources, c.CommandResources())
	checkResources(r, "build.resources", c.Build.Resources, c.BuildResources())
	for i, toleration := range c.Pods.Tolerations {
		checkToleration(r, fmt.Sprintf("pods.tolerations[%d]", i), toleration)
	}
	checkTwice(r, "secret", "pods.imagePullSecrets[%d]", pullSecretNames(c.Pods.ImagePullSecrets))
	checkAffinity(r, c.Pods.Affinity)
}

func pullSecretNames(secrets []PullSecret) []string {
	names := make([]string, len(secrets))
	for i, secret := range secrets {
		names[i] = secret.Name
	}
	return names
}

// checkLabels checks the values of labels.
func checkLabels(r *report, path string, labels map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		if value := labels[key]; value != "" && !holds("labelValue", value) {
			r.atPath(path+"."+key, "%s is %s: expected %s", key, quote(value), rules()["labelValue"].expect)
		}
	}
}

// checkResources checks the quantities of a container, and that it requests no more than
// its limits allow.
func checkResources(r *report, path string, given, whole Resources) {
	valid := true
	for _, list := range []struct {
		key    string
		values map[string]string
	}{{"requests", given.Requests}, {"limits", given.Limits}} {
		for _, name := range slices.Sorted(maps.Keys(list.values)) {
			if problem := quantityProblem(name, list.key, list.values[name]); problem != "" {
				r.atPath(path+"."+list.key+"."+name, "%s is %s: expected %s", name, quote(list.values[name]), problem)
				valid = false
			}
		}
	}
	if !valid {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(given.Requests)) {
		limit, limited := whole.Limits[name]
		asked, most := quantity(given.Requests[name]), quantity(limit)
		if limited && asked != nil && most != nil && asked.Cmp(most) > 0 {
			r.atPath(path+".requests."+name, "%s is %s, but the limit of the container is %s: expected no more", name, quote(given.Requests[name]), limit).
				Hint = "raise " + path + ".limits." + name
		}
	}
}

// quantityProblem describes the quantities that a resource can have, or returns "" for one of them.
func quantityProblem(name, list, text string) string {
	switch {
	case name == CPU && !compiled(`^([1-9][0-9]{0,6}m|([1-9][0-9]{0,3}|0)(\.[0-9]{1,3})?)$`).MatchString(text), name == CPU && quantity(text).Sign() == 0:
		return "processors, such as 500m, 0.5 or 4"
	case name != CPU && list == "limits" && !holds("size", text):
		return rules()["size"].expect
	case name != CPU && list == "requests" && !compiled(`^[1-9][0-9]{0,6}(Mi|Gi)$`).MatchString(text):
		return "a size, such as 512Mi or 8Gi"
	}
	return ""
}

// units are the factors of the suffixes of quantities.
var units = map[string]*big.Rat{"m": big.NewRat(1, 1000), "Mi": big.NewRat(1<<20, 1), "Gi": big.NewRat(1<<30, 1), "": big.NewRat(1, 1)}

// quantity parses a quantity; nil is an invalid one, which is reported elsewhere.
func quantity(text string) *big.Rat {
	number := strings.TrimRight(text, "mMGi")
	value, ok := new(big.Rat).SetString(number)
	factor, known := units[text[len(number):]]
	if !ok || !known {
		return nil
	}
	return value.Mul(value, factor)
}

// checkToleration refuses what Kubernetes' validation refuses (core/validation, ValidateTolerations).
func checkToleration(r *report, path string, t Toleration) {
	switch {
	case t.Key == "" && t.Operator != "Exists":
		r.atPath(path, "a toleration without a key matches all taints: expected operator: Exists")
	case t.Operator == "Exists" && t.Value != "":
		r.atPath(path+".value", "value is %s, but the operator Exists matches any: expected no value", quote(t.Value))
	case t.TolerationSeconds != nil && t.Effect != "NoExecute":
		r.atPath(path+".tolerationSeconds", "tolerationSeconds is for the effect NoExecute alone")
	}
}

func checkAffinity(r *report, a Affinity) {
	const required, preferred = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"
	term := func(path string, t NodeSelectorTerm) {
		for i, e := range t.MatchExpressions {
			checkRequirement(r, fmt.Sprintf("%s.matchExpressions[%d]", path, i), e.Operator, e.Values)
		}
	}
	node := "pods.affinity.nodeAffinity."
	if a.NodeAffinity.Required != nil {
		for i, t := range a.NodeAffinity.Required.NodeSelectorTerms {
			term(fmt.Sprintf("%s%s.nodeSelectorTerms[%d]", node, required, i), t)
		}
	}
	for i, p := range a.NodeAffinity.Preferred {
		path := fmt.Sprintf("%s%s[%d]", node, preferred, i)
		checkWeight(r, path, p.Weight)
		term(path+".preference", p.Preference)
	}
	for _, pods := range []struct {
		key  string
		rule PodAffinity
	}{{"podAffinity", a.PodAffinity}, {"podAntiAffinity", a.PodAntiAffinity}} {
		for i, t := range pods.rule.Required {
			checkSelector(r, fmt.Sprintf("pods.affinity.%s.%s[%d].labelSelector", pods.key, required, i), t.LabelSelector)
		}
		for i, p := range pods.rule.Preferred {
			path := fmt.Sprintf("pods.affinity.%s.%s[%d]", pods.key, preferred, i)
			checkWeight(r, path, p.Weight)
			checkSelector(r, path+".podAffinityTerm.labelSelector", p.PodAffinityTerm.LabelSelector)
		}
	}
}

func checkWeight(r *report, path string, weight int) {
	if weight > 100 {
		r.atPath(path+".weight", "weight is %d: expected 1 to 100", weight)
	}
}

func checkSelector(r *report, path string, s LabelSelector) {
	checkLabels(r, path+".matchLabels", s.MatchLabels)
	for i, e := range s.MatchExpressions {
		checkRequirement(r, fmt.Sprintf("%s.matchExpressions[%d]", path, i), e.Operator, e.Values)
	}
}

// checkRequirement checks the number of values that an operator has.
func checkRequirement(r *report, path, operator string, values []string) {
	switch operator {
	case "In", "NotIn":
		if len(values) == 0 {
			r.atPath(path, "the operator %s compares with values: expected one or more", operator)
		}
	case "Exists", "DoesNotExist":
		if len(values) > 0 {
			r.atPath(path+".values", "the operator %s compares with no value: expected no values", operator)
		}
	case "Gt", "Lt":
		if len(values) != 1 || !wholeNumber.MatchString(values[0]) {
			r.atPath(path, "the operator %s compares with a number: expected one value, a number in quotes", operator)
		}
	}
}

// labelKey is the pattern of keys of labels and annotations: a name, which may follow a
// domain and a slash.
const labelKey = `^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`

func labelKeyProblem(key string) string {
	domain, name, prefixed := strings.Cut(key, "/")
	if !prefixed {
		name = domain
	}
	if len(name) > 63 || prefixed && len(domain) > 253 {
		return "is too long"
	}
	return ""
}

// Keys of labels and annotations with a meaning for the pipeline, Argo, or what gives
// pods identities, and the prefixes of such keys.
var (
	reservedLabels = []string{
		"aphex.dev/", "app.kubernetes.io/", "workflows.argoproj.io/", "events.argoproj.io/", "eks.amazonaws.com/", "azure.workload.identity/", "iam.amazonaws.com/",
		"eventsource-name", "sensor-name", "owner-name", "controller",
	}
	reservedAnnotations = append([]string{
		"cluster-autoscaler.kubernetes.io/", "karpenter.sh/", "kubectl.kubernetes.io/", "container.apparmor.security.beta.kubernetes.io/", "iam.cloud.google.com/",
	}, reservedLabels...)
)

func podLabelProblem(key string) string      { return reservedProblem(key, reservedLabels) }
func podAnnotationProblem(key string) string { return reservedProblem(key, reservedAnnotations) }

func reservedProblem(key string, reserved []string) string {
	for _, one := range reserved {
		if key == one || strings.HasSuffix(one, "/") && (strings.HasPrefix(key, one) || strings.Contains(key, "."+one)) {
			return "the pipeline, Argo or the identity of pods depends on"
		}
	}
	return labelKeyProblem(key)
}
