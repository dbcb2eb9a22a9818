package argo

import (
	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/plan"
)

// keepWatch is how many seconds a Workflow of the reconciler is kept.
const keepWatch = 60 * 60

// cron renders the schedule of the reconciler. Its Workflows use an entrypoint of the
// pipeline's template, as Strict template referencing requires.
func (r *renderer) cron(template string, watch *plan.Watch) []object {
	if watch == nil {
		return nil
	}
	workflow := r.submitted(template, "Check for missed pushes to "+r.repository())
	workflow.Spec.Entrypoint = WatchEntry
	workflow.Spec.TTLStrategy = &wfv1.TTLStrategy{SecondsAfterCompletion: ptr(int32(keepWatch))}
	schedules, zone := []string{watch.Schedule}, "UTC"
	if watch.Again != "" { // in one time zone, as Argo 4 refuses a schedule with one of its own
		again := ""
		if zone, again = plan.ZoneOf(watch.Again); watch.Schedule == "" {
			schedules = nil
		}
		schedules = append([]string{again}, schedules...)
	}
	return []object{&wfv1.CronWorkflow{
		TypeMeta:   metav1.TypeMeta{APIVersion: argoVersion, Kind: "CronWorkflow"},
		ObjectMeta: r.meta(r.cfg.ArgoNamespace, r.cfg.WorkflowTemplateName, "reconcile"),
		Spec: wfv1.CronWorkflowSpec{
			Schedules:                  schedules,
			Timezone:                   zone,
			ConcurrencyPolicy:          wfv1.ForbidConcurrent,
			StartingDeadlineSeconds:    ptr(int64(60)),
			SuccessfulJobsHistoryLimit: ptr(int32(1)),
			FailedJobsHistoryLimit:     ptr(int32(1)),
			WorkflowMetadata:           &metav1.ObjectMeta{Labels: r.labels("reconcile"), Annotations: workflow.Annotations},
			WorkflowSpec:               workflow.Spec,
		},
	}}
}
