package argo

import (
	"fmt"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Names inside the rendered WorkflowTemplate.
const (
	Entrypoint = "run"     // template of the whole pipeline
	ExitStep   = "record"  // template that runs at the end of every run
	approval   = "approve" // template that waits for a person
)

// Limits of a run.
const (
	deadlineSeconds  = 24 * 60 * 60     // a run that waits longer, for an approval too, is stopped
	keepSuccess      = 24 * 60 * 60     // seconds that a succeeded Workflow object is kept
	keepFailure      = 7 * 24 * 60 * 60 // seconds that a failed one is kept
	retryLimit       = 3
	retryAfter       = "10s"
	retryExpression  = `lastRetry.status == "Error" || asInt(lastRetry.exitCode) == 75`
	managedBy        = "aphex-pipeline"
	labelManagedBy   = "app.kubernetes.io/managed-by"
	labelName        = "app.kubernetes.io/name"
	labelInstance    = "app.kubernetes.io/instance"
	annotationTitle  = "workflows.argoproj.io/title"
	annotationAbout  = "workflows.argoproj.io/description"
	annotationConfig = "aphex.dev/config"
)

// WorkflowTemplate renders the plan of cfg's pipeline.
func WorkflowTemplate(cfg *config.Config, p plan.Plan, place plan.Place) (*wfv1.WorkflowTemplate, error) {
	r := renderer{cfg: cfg, place: place, varying: varyingInputs(p.Steps)}
	dag, err := r.dag(p)
	if err != nil {
		return nil, fmt.Errorf("rendering workflow template %q: %w", cfg.WorkflowTemplateName, err)
	}
	templates := append([]wfv1.Template{dag}, r.templates...)
	return &wfv1.WorkflowTemplate{
		TypeMeta:   metav1.TypeMeta{APIVersion: "argoproj.io/v1alpha1", Kind: "WorkflowTemplate"},
		ObjectMeta: r.meta(cfg.WorkflowTemplateName),
		Spec:       r.spec(templates),
	}, nil
}

func (r *renderer) meta(name string) metav1.ObjectMeta {
	repository := "the repository"
	if r.cfg.GithubOwner != "" && r.cfg.GithubRepo != "" {
		repository = r.cfg.GithubOwner + "/" + r.cfg.GithubRepo
	}
	return metav1.ObjectMeta{
		Name: name, Namespace: r.cfg.ArgoNamespace, Labels: r.labels(),
		Annotations: map[string]string{
			annotationTitle:  "Deployment pipeline " + r.cfg.WorkflowTemplateName,
			annotationAbout:  fmt.Sprintf("Validates, builds and deploys %s to %d environments.", repository, len(r.cfg.Environments)),
			annotationConfig: r.place.Config,
		},
	}
}

func (r *renderer) labels() map[string]string {
	return map[string]string{
		labelManagedBy: managedBy, labelName: "aphex-pipeline", labelInstance: r.cfg.WorkflowTemplateName,
	}
}

func (r *renderer) spec(templates []wfv1.Template) wfv1.WorkflowSpec {
	return wfv1.WorkflowSpec{
		Entrypoint:            Entrypoint,
		OnExit:                ExitStep,
		ServiceAccountName:    r.cfg.ServiceAccountName,
		Arguments:             r.arguments(),
		Synchronization:       &wfv1.Synchronization{Mutexes: []*wfv1.Mutex{{Name: r.cfg.WorkflowTemplateName}}},
		ActiveDeadlineSeconds: ptr(int64(deadlineSeconds)),
		PodGC:                 &wfv1.PodGC{Strategy: wfv1.PodGCOnPodSuccess},
		TTLStrategy:           &wfv1.TTLStrategy{SecondsAfterSuccess: ptr(int32(keepSuccess)), SecondsAfterFailure: ptr(int32(keepFailure))},
		SecurityContext:       podSecurity(),
		PodMetadata:           &wfv1.Metadata{Labels: r.labels()},
		Templates:             templates,
	}
}

// arguments declares the workflow's parameters. The branch has a default; the
// others are what a push is about.
func (r *renderer) arguments() wfv1.Arguments {
	var parameters []wfv1.Parameter
	for _, name := range plan.Parameters() {
		parameter := wfv1.Parameter{Name: name}
		switch name {
		case plan.Branch:
			parameter.Value = wfv1.AnyStringPtr(r.cfg.GithubBranch)
		case plan.RepoName, plan.Pusher:
			parameter.Value = wfv1.AnyStringPtr("")
		}
		parameters = append(parameters, parameter)
	}
	return wfv1.Arguments{Parameters: parameters}
}

func ptr[T any](v T) *T { return &v }
