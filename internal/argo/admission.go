package argo

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// admission renders the policy of what the pipeline's own identities may write, which
// rights alone cannot say: who may create a Workflow may create any. It looks at who
// asks, as a label can be left out. The images are those of the configuration that a
// person applied; a commit can give them other versions.
func (r *renderer) admission() []object {
	policy := &admissionv1.ValidatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy"},
		ObjectMeta: r.meta("", r.names.Stack, "admission"),
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: ptr(admissionv1.Fail),
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{
				written("argoproj.io", "workflows", "workflowtemplates", "cronworkflows", "sensors", "eventsources"), written("", "services"),
			}},
			MatchConditions: []admissionv1.MatchCondition{{Name: "pipeline", Expression: "request.userInfo.username in " + list(r.users()...)}},
			Variables:       admissionVariables,
			Validations:     r.validations(),
		},
	}
	people := r.attestation()
	return []object{policy, bound(policy), people, bound(people)}
}

// bound renders the binding of a policy, without which it denies nothing.
func bound(policy *admissionv1.ValidatingAdmissionPolicy) *admissionv1.ValidatingAdmissionPolicyBinding {
	return &admissionv1.ValidatingAdmissionPolicyBinding{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicyBinding"},
		ObjectMeta: policy.ObjectMeta,
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}
}

func written(group string, resources ...string) admissionv1.NamedRuleWithOperations {
	return admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
		Rule:       admissionv1.Rule{APIGroups: []string{group}, APIVersions: []string{"*"}, Resources: resources},
	}}
}

// users are the identities of the pipeline, as the API server knows them.
func (r *renderer) users() []string {
	runs, events := "system:serviceaccount:"+r.cfg.ArgoNamespace+":", "system:serviceaccount:"+r.cfg.ArgoEventsNamespace+":"
	users := []string{events + r.names.Submitter, events + r.names.Receiver}
	for _, account := range append(r.runners(), r.names.Executor) {
		users = append(users, runs+account)
	}
	return users
}

// admissionVariables take an object apart; what it does not have is empty.
var admissionVariables = []admissionv1.Variable{
	{Name: "kind", Expression: "object.kind"},
	{Name: "nodes", Expression: "variables.kind == 'WorkflowTemplate' ? object.spec.templates : []"},
	{Name: "containers", Expression: "variables.nodes.map(n, has(n.container) ? [n.container] : [])"},
	{Name: "volumes", Expression: "variables.nodes.map(n, has(n.volumes) ? n.volumes : [])"},
	{Name: "triggers", Expression: "variables.kind == 'Sensor' ? object.spec.triggers : []"},
	{Name: "runs", Expression: "variables.kind == 'Workflow' ? [object.spec] : variables.kind == 'CronWorkflow' ? [object.spec.workflowSpec] : " +
		"variables.triggers.map(t, t.template.k8s.source.resource.spec)"},
}

func (r *renderer) validations() []admissionv1.Validation {
	var all []admissionv1.Validation
	add := func(message string, parts ...string) {
		all = append(all, admissionv1.Validation{Expression: strings.Join(parts, " && "), Message: message})
	}
	add("a run of the pipeline is one of its own template, and sets arguments and entrypoint alone",
		"variables.runs.all(s, "+only("s", "workflowTemplateRef", "entrypoint", "arguments", "suspend", "ttlStrategy")+
			" && "+only("s.workflowTemplateRef", "name")+" && s.workflowTemplateRef.name.matches("+quote("^"+regexp.QuoteMeta(r.cfg.WorkflowTemplateName)+"-[0-9a-f]{2}$")+"))")
	// Argo keeps the specification that it runs in the status, and takes one that is there for its own.
	add("a run of the pipeline begins without a status, which Argo alone writes",
		when("Workflow", "(!has(object.status) || (oldObject != null && has(oldObject.status) && object.status == oldObject.status))"))
	add("the template of the pipeline places its pods as `pods` of the configuration did when a person applied it; generator apply applies what a commit changed",
		append(r.placed(), when("WorkflowTemplate", "object.spec.podSpecPatch == "+quote(r.podPatch())))...)
	add("the template of the pipeline runs its pods with its own identities",
		when("WorkflowTemplate", "object.spec.serviceAccountName == "+quote(r.names.Recorder), "object.spec.executor.serviceAccountName == "+quote(r.names.Executor),
			"object.spec.automountServiceAccountToken == false", "object.spec.securityContext.runAsNonRoot == true"),
		"variables.nodes.all(n, !has(n.serviceAccountName) || n.serviceAccountName in "+list(r.runners()...)+")")
	add("a pod of the pipeline has a container for commands of the repository as this version renders it, or none",
		"variables.nodes.all(n, !has(n.podSpecPatch) || "+r.patchCondition("n.podSpecPatch")+")")
	add("the template of the pipeline has the parts that this version renders and no other: graphs, pauses, and containers with nothing but a command",
		when("WorkflowTemplate", only("object.spec", "entrypoint", "onExit", "serviceAccountName", "executor", "arguments", "activeDeadlineSeconds", "podGC", "ttlStrategy",
			"securityContext", "podSpecPatch", "podMetadata", "automountServiceAccountToken", "workflowMetadata", "templates", "metrics")),
		"variables.nodes.all(n, "+only("n", "name", "inputs", "outputs", "retryStrategy", "activeDeadlineSeconds", "serviceAccountName", "volumes",
			"container", "podSpecPatch", "dag", "suspend", "synchronization")+")",
		"variables.nodes.all(n, (!has(n.inputs) || "+only("n.inputs", "parameters")+") && (!has(n.outputs) || "+only("n.outputs", "parameters")+"))",
		"variables.nodes.all(n, !has(n.dag) || n.dag.tasks.all(t, "+only("t", "name", "template", "arguments", "dependencies", "when")+"))",
		"variables.containers.all(cs, cs.all(c, "+only("c", "name", "image", "imagePullPolicy", "command", "args", "env", "resources", "securityContext", "volumeMounts")+
			" && c.env.all(e, "+only("e", "name", "value")+") && "+only("c.securityContext", "allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem")+
			" && c.securityContext.allowPrivilegeEscalation == false && "+only("c.securityContext.capabilities", "drop")+"))")
	add("the template counts under the names and labels that this version renders: a controller keeps every series",
		when("WorkflowTemplate", r.metricsCondition()))
	// Annotations give pods identities, networks and profiles, and labels select policies.
	add("the pods of the pipeline have the labels and annotations that this version renders and no other",
		when("WorkflowTemplate", only("object.spec.podMetadata", "labels", "annotations"), equals("object.spec.podMetadata.labels", r.podLabels("workflow")),
			equals("object.spec.podMetadata.annotations", r.podAnnotations()), only("object.spec.workflowMetadata", "labels"), equals("object.spec.workflowMetadata.labels", r.identity())),
		r.eventPods("Sensor", "trigger"), r.eventPods("EventSource", "webhook"))
	add("a pod of the pipeline mounts empty folders or volumes, and its own tokens and certificates alone",
		"variables.volumes.all(vs, vs.all(v, "+r.spaceCondition()+" && (!has(v.projected) || "+r.builderCondition()+"v.name in "+
			list(awsTokenVolume, clusterTokenVolume)+" && v.projected.sources.all(s, "+only("s", "serviceAccountToken", "configMap")+" && (!has(s.configMap) || s.configMap.name == "+quote(clusterAuthority)+")))))")
	add("a stage of the pipeline runs in an image that was chosen when the pipeline was installed",
		"variables.containers.all(cs, cs.all(c, "+list(r.repositories()...)+".exists(i, c.image == i || c.image.startsWith(i + ':') || c.image.startsWith(i + '@'))))")
	add("Sensor and EventSource of the pipeline run with their own identities and Argo's own container",
		when("Sensor", "object.spec.template.serviceAccountName == "+quote(r.names.Submitter), only("object.spec", "template", "dependencies", "triggers", "loggingFields")),
		when("EventSource", "object.spec.template.serviceAccountName == "+quote(r.names.Receiver), only("object.spec", "template", "github")),
		"(!(variables.kind in ['Sensor', 'EventSource']) || "+only("object.spec.template", append(slices.Sorted(maps.Keys(r.placementKeys())), "serviceAccountName", "metadata", "securityContext", "container")...)+
			" && "+only("object.spec.template.container", "securityContext", "resources")+")")
	add("a trigger of the pipeline creates Workflows in the namespace of its runs alone",
		"variables.triggers.all(t, "+only("t", "template")+" && "+only("t.template", "name", "conditions", "k8s")+" && "+only("t.template.k8s", "operation", "source", "parameters")+
			" && t.template.k8s.operation == 'create' && "+only("t.template.k8s.source", "resource")+
			" && t.template.k8s.source.resource.kind == 'Workflow' && t.template.k8s.source.resource.metadata.namespace == "+quote(r.cfg.ArgoNamespace)+")")
	// Argo Events adds id, owner and repository.
	add("the EventSource of the pipeline reads the secret of its webhook and no other",
		when("EventSource", "object.spec.github.all(e, "+only("object.spec.github[e]", "webhook", "repositories", "events", "contentType", "active", "webhookSecret", "id", "owner", "repository")+
			" && "+only("object.spec.github[e].webhook", "endpoint", "method", "port", "url", "maxPayloadSize")+" && object.spec.github[e].webhookSecret.name == "+quote(r.names.WebhookSecret)+")"))
	add("the Service of the pipeline leads to its webhook alone",
		when("Service", "object.metadata.name == "+quote(plan.WebhookService(r.cfg.EventSourceName)), "!has(object.spec.externalIPs)", "!has(object.spec.externalName)",
			"object.spec.selector == {"+quote(eventsv1.LabelEventSourceName)+": "+quote(r.cfg.EventSourceName)+"}"))
	return all
}

// builderCondition is the condition, before another one, that a projected volume has the
// certificates for the image builder of the configuration.
func (r *renderer) builderCondition() string {
	if r.cfg.ImageBuilder == nil {
		return ""
	}
	return "v.name == " + quote(builderVolume) + " && v.projected.sources.all(s, " + only("s", "secret") + " && s.secret.name == " + quote(r.cfg.ImageBuilder.TLSSecretName) + ") || "
}

// eventPods is the condition that the pods of a kind of Argo Events have the labels of a component and no
// annotations but those of the configuration.
func (r *renderer) eventPods(kind, component string) string {
	keys, annotated := []string{"labels"}, []string{}
	if len(r.cfg.Pods.Annotations) > 0 {
		keys, annotated = append(keys, "annotations"), append(annotated, equals("object.spec.template.metadata.annotations", r.cfg.Pods.Annotations))
	}
	return when(kind, append(annotated, only("object.spec.template.metadata", keys...), equals("object.spec.template.metadata.labels", r.podLabels(component)))...)
}

// repositories lists the images of the release, or if none were chosen, the repositories of
// those that the configuration names, without tags and digests. The images for commands
// of the repository are not among them: a commit decides those.
func (r *renderer) repositories() []string {
	var all []string
	for _, program := range []string{"validator", "builder", "deployer", "tester"} {
		if r.place.Images != "" {
			all = append(all, r.place.Images.Of(program))
			continue
		}
		image, _ := r.cfg.Image(program)
		repository, _, _ := strings.Cut(image, "@")
		if colon := strings.LastIndexByte(repository, ':'); colon > strings.LastIndexByte(repository, '/') {
			repository = repository[:colon]
		}
		all = append(all, repository)
	}
	return all
}

// when is a condition on the objects of one kind.
func when(kind string, conditions ...string) string {
	return fmt.Sprintf("(variables.kind != %s || %s)", quote(kind), strings.Join(conditions, " && "))
}

// only is the condition that a mapping has no key but these.
func only(mapping string, keys ...string) string {
	return mapping + ".all(k, k in " + list(keys...) + ")"
}

// equals is the condition that a mapping has these keys and values and no others.
func equals(mapping string, want map[string]string) string {
	var entries []string
	for _, key := range slices.Sorted(maps.Keys(want)) {
		entries = append(entries, quote(key)+": "+quote(want[key]))
	}
	return mapping + " == {" + strings.Join(entries, ", ") + "}"
}

func list(texts ...string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = quote(text)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a text as CEL does, which is as Go does.
func quote(text string) string { return strconv.Quote(text) }
