package argo

import (
	"fmt"
	"regexp"
	"strings"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Attestation names the policy with which the API server attests who asked for a run.
func Attestation(cfg *config.Config, place plan.Place) string {
	return attestation(plan.NamesOf(cfg, place))
}

func attestation(names plan.Names) string { return names.Stack + "-asked" }

// attestation renders the policy that compares who asks for a run of the pipeline with the
// name in it. It concerns everybody, and runs of this pipeline alone.
func (r *renderer) attestation() *admissionv1.ValidatingAdmissionPolicy {
	return &admissionv1.ValidatingAdmissionPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "admissionregistration.k8s.io/v1", Kind: "ValidatingAdmissionPolicy"},
		ObjectMeta: r.meta("", attestation(r.names), "admission"),
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: ptr(admissionv1.Fail),
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: r.cfg.ArgoNamespace}},
				ResourceRules:     []admissionv1.NamedRuleWithOperations{written("argoproj.io", "workflows")},
			},
			MatchConditions: []admissionv1.MatchCondition{{Name: "run", Expression: r.isRun("object") + " || oldObject != null && " + r.isRun("oldObject")}},
			Variables: []admissionv1.Variable{
				{Name: "parameters", Expression: parametersOf("object")},
				{Name: "former", Expression: "oldObject == null ? [] : " + parametersOf("oldObject")},
				{Name: "asked", Expression: "(variables.parameters + variables.former).exists(p, p.name == " + quote(plan.RunPurpose) + " && (!has(p.value) || p.value != ''))"},
				{Name: "persons", Expression: "variables.parameters.filter(p, p.name == " + quote(plan.Pusher) + ")"},
			},
			Validations: []admissionv1.Validation{{
				Expression: "oldObject != null || !variables.asked || variables.persons.size() == 1 && variables.persons.all(p, has(p.value) && p.value == request.userInfo.username)",
				Message:    "a run that a person asks for names this person, as kubectl auth whoami does, in its parameter " + plan.Pusher,
			}, {
				Expression: "oldObject != null || !variables.asked || !(request.userInfo.username in " + list(r.users()...) + ")",
				Message:    "an identity of the pipeline asks for no run: that is for persons",
			}, {
				Expression: "oldObject == null || !variables.asked || variables.parameters == variables.former",
				Message:    "the parameters of a run that a person asked for do not change",
			}},
		},
	}
}

// isRun is the condition that a Workflow is one of the template of the pipeline.
func (r *renderer) isRun(workflow string) string {
	return fmt.Sprintf("(has(%[1]s.spec) && has(%[1]s.spec.workflowTemplateRef) && has(%[1]s.spec.workflowTemplateRef.name) && %[1]s.spec.workflowTemplateRef.name.matches(%[2]s))",
		workflow, quote("^"+regexp.QuoteMeta(r.cfg.WorkflowTemplateName)+"-[0-9a-f]{2}$"))
}

func parametersOf(workflow string) string {
	return fmt.Sprintf("(has(%[1]s.spec.arguments) && has(%[1]s.spec.arguments.parameters) ? %[1]s.spec.arguments.parameters : [])", workflow)
}

// Asked is a run that a person asks for.
type Asked struct {
	Purpose      plan.Purpose
	Commit       string
	Environments []string // to deploy; none of a run that builds its commit
	By, Reason   string
	// What an earlier run built; empty of a run that builds its commit.
	Artifact, Digest, ConfigDigest string
	// What a run that says something about another one is about.
	Target string   // the other run
	Gates  []string // names of the gates that it passes, of an override
}

// Entry returns the entrypoint of the run; "" is the template's own.
func (a Asked) Entry() string {
	if a.Purpose.Builds() {
		return ""
	}
	return ResumeEntry
}

// Values returns the parameters of the run, besides those of its repository.
func (a Asked) Values() map[string]string {
	values := map[string]string{
		plan.CommitSHA: a.Commit, plan.Pusher: a.By, plan.RunPurpose: string(a.Purpose), plan.Only: strings.Join(a.Environments, " "), plan.Reason: a.Reason,
		plan.Artifact: a.Artifact, plan.Digest: a.Digest, plan.ConfigDigest: a.ConfigDigest,
	}
	if !a.Purpose.Deploys() {
		values[plan.Target], values[plan.Override] = a.Target, strings.Join(a.Gates, " ")
	}
	return values
}

// Parameters returns the parameters that the template of the run must declare.
func (a Asked) Parameters() []string {
	if !a.Purpose.Deploys() {
		return append(plan.Asked(), plan.Overriding()...)
	}
	return plan.Asked()
}

// Title is the end of the title of the run.
func (a Asked) Title() string {
	title := a.Commit + ", " + string(a.Purpose)
	if len(a.Environments) > 0 {
		title += " of " + strings.Join(a.Environments, ", ")
	}
	return title
}

// Impostor renders a run of a template that names nobody as who asked for it. A cluster in
// which the policy of [Attestation] works refuses it.
func Impostor(cfg *config.Config, place plan.Place, template string) (manifest.Object, error) {
	workflow := newRenderer(cfg, place).submitted(template, "Nobody asks for this")
	workflow.Name = template + "-nobody"
	workflow.Spec.Arguments.Parameters = []wfv1.Parameter{
		{Name: plan.RunPurpose, Value: wfv1.AnyStringPtr(plan.ToRetry)}, {Name: plan.Pusher, Value: wfv1.AnyStringPtr("")},
	}
	impostor, err := encode(&workflow)
	if err != nil {
		return manifest.Object{}, fmt.Errorf("encoding a workflow of %q: %w", template, err)
	}
	return impostor, nil
}
