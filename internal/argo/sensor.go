package argo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	eventsv1 "github.com/argoproj/argo-events/pkg/apis/events/v1alpha1"
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Triggers of the Sensor, and the dependencies of the same names.
const (
	PushTrigger = "push"
	pullTrigger = "pull"
	tagTrigger  = "tag"
)

// Triggers returns how many triggers the Sensor of a pipeline has.
func Triggers(cfg *config.Config) int {
	if len(cfg.Triggers.Tags) > 0 {
		return 3
	}
	return 2
}

// sensor renders the Sensor, which starts a run for a delivery. Only filtered values of the
// delivery reach the Workflow, each as the whole value of a field; everything else in it
// is fixed here.
func (r *renderer) sensor(template string) (*eventsv1.Sensor, error) {
	push, err := r.trigger(PushTrigger, r.pushed(template), pushValues())
	if err != nil {
		return nil, err
	}
	pull, err := r.trigger(pullTrigger, r.pulled(template), r.pullValues())
	if err != nil {
		return nil, err
	}
	dependencies := []eventsv1.EventDependency{r.dependency(PushTrigger, r.pushFilters()), r.dependency(pullTrigger, r.pullFilters())}
	triggers := []eventsv1.Trigger{push, pull}
	if len(r.cfg.Triggers.Tags) > 0 {
		tag, err := r.trigger(tagTrigger, r.tagged(template), tagValues())
		if err != nil {
			return nil, err
		}
		dependencies, triggers = append(dependencies, r.dependency(tagTrigger, r.tagFilters())), append(triggers, tag)
	}
	meta := r.meta(r.cfg.ArgoEventsNamespace, r.cfg.SensorName, "trigger")
	meta.Annotations = map[string]string{manifest.AnnotationTemplate: template}
	return &eventsv1.Sensor{
		TypeMeta:   metav1.TypeMeta{APIVersion: argoVersion, Kind: "Sensor"},
		ObjectMeta: meta,
		Spec: eventsv1.SensorSpec{
			Template:     r.eventPod(r.names.Submitter, "trigger"),
			Dependencies: dependencies,
			Triggers:     triggers,
		},
	}, nil
}

func (r *renderer) dependency(name string, filters []eventsv1.DataFilter) eventsv1.EventDependency {
	return eventsv1.EventDependency{
		Name: name, EventSourceName: r.cfg.EventSourceName, EventName: event,
		Filters: &eventsv1.EventDependencyFilter{Data: filters},
	}
}

// eventValue is a value of the delivery and the field of the Workflow that it fills.
type eventValue struct {
	key    string // path in the delivery
	text   string // template of the text that is made of it; empty is its value
	field  string // path in the Workflow
	append bool   // whether it is appended to the field
	shown  bool   // whether it is for display only: it is cleaned, and may be missing
}

// shown cleans text for display: it keeps at most 100 letters, digits, spaces and
// punctuation of names, and returns "" if there is no text. GitHub's schema allows any text
// as the name of a pusher.
const shown = `{{ regexFind "^.{0,100}" (regexReplaceAll "[^\\pL\\pN ._'@+\\[\\]-]" (.Input.%s | default "" | toString) "") | trim }}`

// pushValues are the values of a push that a run uses. The name of the Workflow ends with
// the commit's first digits, so that a repeated delivery starts no second run: the
// Workflow exists already. Its title, which Argo shows, ends with the whole commit.
func pushValues() []eventValue {
	return []eventValue{
		{text: firstDigits("body.after"), field: "metadata.name", append: true},
		{key: "body.after", field: titleField, append: true},
		{key: "body.after", field: parameterField(plan.CommitSHA)},
		{key: "body.pusher.name", field: parameterField(plan.Pusher), shown: true},
	}
}

// firstDigits is a template of the part of a commit that is in the name of a run.
func firstDigits(key string) string {
	return fmt.Sprintf("{{ .Input.%s | trunc %d }}", key, plan.DigitsOfCommit)
}

// tagValues are the values of a pushed tag that a run uses. The commit is head_commit: of an
// annotated tag, after is the tag itself. Each tag of a commit has a run of its own.
func tagValues() []eventValue {
	const commit = "body.head_commit.id"
	return []eventValue{
		{
			text:  firstDigits(commit) + fmt.Sprintf("%s{{ .Input.body.ref | sha256sum | trunc %d }}", plan.TagSuffix, plan.DigitsOfTag),
			field: "metadata.name", append: true,
		},
		{text: `{{ .Input.body.ref | trimPrefix "` + tagReference + `" }} at {{ .Input.` + commit + " }}", field: titleField, append: true},
		{key: commit, field: parameterField(plan.CommitSHA)},
		{key: "body.pusher.name", field: parameterField(plan.Pusher), shown: true},
	}
}

func (r *renderer) pullValues() []eventValue {
	values := []eventValue{
		{key: "body.pull_request.head.sha", field: titleField, append: true},
		{key: "body.pull_request.head.sha", field: parameterField(plan.CommitSHA)},
		{key: "body.pull_request.head.ref", field: parameterField(plan.Branch)},
		{key: "body.sender.login", field: parameterField(plan.Pusher), shown: true},
	}
	if plan.Comments(r.cfg) {
		values = append(values, eventValue{key: "body.number", field: "spec.arguments.parameters." + strconv.Itoa(len(plan.Parameters())) + ".value"})
	}
	return values
}

// titleField is the path of the title, with the dots of its name escaped.
var titleField = "metadata.annotations." + strings.ReplaceAll(manifest.AnnotationTitle, ".", `\.`)

func parameterField(name string) string {
	return "spec.arguments.parameters." + strconv.Itoa(slices.Index(plan.Parameters(), name)) + ".value"
}

func (r *renderer) trigger(name string, workflow wfv1.Workflow, values []eventValue) (eventsv1.Trigger, error) {
	resource, err := resourceOf(workflow)
	if err != nil {
		return eventsv1.Trigger{}, fmt.Errorf("encoding the workflow of trigger %q: %w", name, err)
	}
	var parameters []eventsv1.TriggerParameter
	for _, value := range values {
		parameter := eventsv1.TriggerParameter{
			Src: &eventsv1.TriggerParameterSource{DependencyName: name, DataKey: value.key}, Dest: value.field,
		}
		if value.shown {
			parameter.Src = &eventsv1.TriggerParameterSource{
				DependencyName: name, DataTemplate: fmt.Sprintf(shown, value.key), Value: ptr(""),
			}
		}
		if value.text != "" {
			parameter.Src.DataTemplate = value.text
		}
		if value.append {
			parameter.Operation = eventsv1.TriggerParameterOpAppend
		}
		parameters = append(parameters, parameter)
	}
	return eventsv1.Trigger{Template: &eventsv1.TriggerTemplate{
		Name: name, Conditions: name,
		K8s: &eventsv1.StandardK8STrigger{
			Operation: eventsv1.Create, Source: &eventsv1.ArtifactLocation{Resource: resource}, Parameters: parameters,
		},
	}}, nil
}

func resourceOf(workflow wfv1.Workflow) (*eventsv1.K8SResource, error) {
	content, err := contentOf(&workflow)
	if err != nil {
		return nil, err
	}
	resource := eventsv1.NewK8SResource(content)
	return &resource, nil
}

// pushed returns the Workflow of a push, without the commit in its name.
func (r *renderer) pushed(template string) wfv1.Workflow {
	workflow := r.submitted(template, "Deploy "+r.repository()+", "+r.cfg.GithubBranch+" at ")
	workflow.Name = r.cfg.WorkflowNamePrefix
	return workflow
}

// tagged returns the Workflow of a pushed tag, without the commit and the tag in its name.
func (r *renderer) tagged(template string) wfv1.Workflow {
	workflow := r.submitted(template, "Deploy "+r.repository()+", tag ")
	workflow.Name = r.cfg.WorkflowNamePrefix
	return workflow
}

// pulled returns the Workflow of a pull request, which starts at the entrypoint for checks.
func (r *renderer) pulled(template string) wfv1.Workflow {
	workflow := r.submitted(template, "Check a pull request of "+r.repository()+" at ")
	workflow.GenerateName = r.cfg.WorkflowNamePrefix + "check-"
	workflow.Spec.Entrypoint = CheckEntry
	if plan.Comments(r.cfg) { // after the others: pullValues knows its place
		workflow.Spec.Arguments.Parameters = append(workflow.Spec.Arguments.Parameters, wfv1.Parameter{Name: plan.PullRequest, Value: wfv1.AnyStringPtr("")})
	}
	return workflow
}

// submitted returns the common part of all Workflows of the pipeline; the title lacks the
// commit. Under Strict template referencing, a Workflow may set nothing but the entrypoint
// and the arguments besides the reference.
func (r *renderer) submitted(template, title string) wfv1.Workflow {
	values := map[string]string{
		plan.Branch:   r.cfg.GithubBranch,
		plan.RepoName: r.cfg.GithubOwner + "/" + r.cfg.GithubRepo,
		plan.RepoURL:  plan.RepositoryURL(r.cfg),
	}
	var parameters []wfv1.Parameter
	for _, name := range plan.Parameters() {
		parameters = append(parameters, wfv1.Parameter{Name: name, Value: wfv1.AnyStringPtr(values[name])})
	}
	return wfv1.Workflow{
		TypeMeta: metav1.TypeMeta{APIVersion: argoVersion, Kind: "Workflow"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.cfg.ArgoNamespace, Labels: r.labels("run"), Annotations: map[string]string{manifest.AnnotationTitle: title},
		},
		Spec: wfv1.WorkflowSpec{
			WorkflowTemplateRef: &wfv1.WorkflowTemplateRef{Name: template},
			Arguments:           wfv1.Arguments{Parameters: parameters},
		},
	}
}
