package argo

import (
	"fmt"
	"slices"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// Names inside the rendered WorkflowTemplate.
const (
	Entrypoint   = "run"           // template of the whole pipeline
	ResumeEntry  = "resume"        // template of a run that another one handed over to
	CheckEntry   = plan.CheckEntry // template that a pull request runs: it validates and deploys nothing
	WatchEntry   = "reconcile"     // template of the reconciler
	ExitStep     = "record"        // template that records a run
	release      = "release"       // template of what follows the build
	environments = "environments"  // template of what follows the pipeline's own deployment
	exitGraph    = "exit"          // template that runs at the end of everything
)

// HandedOver is the result of the pipeline step that ends a run before its environments,
// because another run continues with them.
const HandedOver = "handed-over"

// Limits of a run, in seconds. A run waits for those before it and for
// approvals within its own deadline, so this is about a working week.
const (
	deadlineOfRun   = 7 * 24 * 60 * 60
	deadlineOfStage = 24 * 60 * 60
	keepSuccess     = 24 * 60 * 60     // that a succeeded Workflow object is kept
	keepFailure     = 7 * 24 * 60 * 60 // that a failed one is kept
)

// keepPods is how long the pods of a succeeded run are kept for their logs.
// Those of a failed one stay as long as its Workflow.
const keepPods = "1h"

// A step is retried if its pod was lost, or if the step reported that the failure was
// temporary. To Argo, a pod that its node evicted has failed; it is recognised by
// the message of the kubelet (of its packages eviction, nodeshutdown and
// preemption), or of Argo if there is none. The message of a container begins with
// its name, and so never matches these; code of the repository can write the text after the
// name, so that no expression reads it. The exit code is that of the stages' container: the
// commands' has no say. A stage that exceeded its deadline may end
// with any code, and is not retried. Argo waits before it evaluates the expression, and so
// also before a failure is final: the first pause is short.
const (
	retryLimit       = 3
	retryAfter       = "3s"
	retryFactor      = 4
	retryLimitOfWait = 90 // each time after the same pause
	retryExpression  = `!(lastRetry.message matches '` + tooLate + `')&&` +
		`(lastRetry.status=='Error'||asInt(lastRetry.exitCode)==75||lastRetry.message matches '` + lostPod + `')`
	// Beginnings of messages are enough, and keep the template of many accounts small: those of a
	// pod that was active for too long, rejected or terminated.
	tooLate = "^Pod was a"
	lostPod = "^(The node was|Pod was [rt]|Preempted|pod failed: neither)"
)

// WorkflowTemplate renders the plan of cfg's pipeline. The template's name ends
// with two digits that follow from its content.
func WorkflowTemplate(cfg *config.Config, p plan.Plan, place plan.Place) (*wfv1.WorkflowTemplate, error) {
	r := newRenderer(cfg, place)
	template, err := r.version(p, free)
	return template, err
}

// template renders the template without its name.
func (r *renderer) template(p plan.Plan) (*wfv1.WorkflowTemplate, error) {
	templates, err := r.nodes(p)
	if err != nil {
		return nil, fmt.Errorf("rendering workflow template %q: %w", r.cfg.WorkflowTemplateName, err)
	}
	meta := r.meta(r.cfg.ArgoNamespace, r.cfg.WorkflowTemplateName, "workflow")
	meta.Annotations = map[string]string{
		manifest.AnnotationTitle: "Deployment pipeline " + r.cfg.WorkflowTemplateName,
		annotationAbout:          fmt.Sprintf("Validates, builds and deploys %s to %s.", r.repository(), count(len(r.cfg.Environments), "environment")),
		annotationConfig:         r.place.Config,
	}
	return &wfv1.WorkflowTemplate{
		TypeMeta:   metav1.TypeMeta{APIVersion: argoVersion, Kind: "WorkflowTemplate"},
		ObjectMeta: meta,
		Spec:       r.spec(templates),
	}, nil
}

func (r *renderer) repository() string {
	if r.cfg.GithubOwner == "" || r.cfg.GithubRepo == "" {
		return "the repository"
	}
	return r.cfg.GithubOwner + "/" + r.cfg.GithubRepo
}

func count(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (r *renderer) spec(templates []wfv1.Template) wfv1.WorkflowSpec {
	return wfv1.WorkflowSpec{
		Entrypoint:            Entrypoint,
		OnExit:                exitGraph,
		ServiceAccountName:    r.names.Recorder,
		Executor:              &wfv1.ExecutorConfig{ServiceAccountName: r.names.Executor},
		Arguments:             r.arguments(),
		ActiveDeadlineSeconds: ptr(int64(deadlineOfRun)),
		PodGC:                 &wfv1.PodGC{Strategy: wfv1.PodGCOnWorkflowSuccess, DeleteDelayDuration: keepPods},
		TTLStrategy:           &wfv1.TTLStrategy{SecondsAfterSuccess: ptr(int32(keepSuccess)), SecondsAfterFailure: ptr(int32(keepFailure))},
		SecurityContext:       podSecurity(),
		PodSpecPatch:          r.podPatch(),
		PodMetadata:           &wfv1.Metadata{Labels: r.podLabels("workflow"), Annotations: r.podAnnotations()},

		AutomountServiceAccountToken: ptr(false),
		// Argo overrides the labels of the submitter, which distinguish runs from the reconciler, with these.
		WorkflowMetadata: &wfv1.WorkflowMetadata{Labels: r.identity()},
		Metrics:          r.metrics(),
		Templates:        templates,
	}
}

// arguments declares the workflow's parameters. The branch has a default; the others are
// values of a push, and of a handover.
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
	for _, name := range slices.Concat(plan.HandedOver(), plan.Asked(), plan.Overriding()) {
		parameters = append(parameters, wfv1.Parameter{Name: name, Value: wfv1.AnyStringPtr("")})
	}
	if plan.Comments(r.cfg) {
		parameters = append(parameters, wfv1.Parameter{Name: plan.PullRequest, Value: wfv1.AnyStringPtr("")})
	}
	return wfv1.Arguments{Parameters: parameters}
}

// lock makes what works on the same thing wait for each other, in the order in which their
// runs were created. Runs work side by side: one at a time updates the pipeline, and one at
// a time deploys and tests an environment. Nothing is locked while a run waits for an
// approval. Versions of a template share the locks; those of earlier versions lock whole
// runs with the name of the pipeline.
func (r *renderer) lock(p pod, varying bool) *wfv1.Synchronization {
	name := r.cfg.WorkflowTemplateName
	switch environment := p.first().Environment; {
	case p.first().Name == plan.Pipeline:
	case environment == "", p.waits():
		return nil
	case varying:
		name += "." + inputExpression(environmentInput)
	default:
		name += "." + environment
	}
	return &wfv1.Synchronization{Mutexes: []*wfv1.Mutex{{Name: name}}}
}

// environmentInput is the input of a deployment that names its environment.
const environmentInput = "environment"

func ptr[T any](v T) *T { return &v }
