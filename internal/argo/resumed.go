package argo

import (
	"fmt"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
	"github.com/aphex/aphex-pipeline/internal/stage"
)

// Resumed renders the Workflow that continues a run that handed over, from the
// values of the parameters that every run has.
func Resumed(cfg *config.Config, place plan.Place, origin string, h stage.Handover, given map[string]string) (manifest.Object, error) {
	r := newRenderer(cfg, place)
	workflow := r.submitted(h.Template, "Deploy "+r.repository()+", "+given[plan.Branch]+" at "+given[plan.CommitSHA]+ResumedTitle)
	workflow.Name, workflow.Spec.Entrypoint = h.Run, ResumeEntry
	parameters := workflow.Spec.Arguments.Parameters
	for i := range parameters {
		parameters[i].Value = wfv1.AnyStringPtr(given[parameters[i].Name])
	}
	handed := ResumedValues(origin, h)
	for _, name := range plan.HandedOver() {
		parameters = append(parameters, wfv1.Parameter{Name: name, Value: wfv1.AnyStringPtr(handed[name])})
	}
	workflow.Spec.Arguments.Parameters = parameters
	resumed, err := encode(&workflow)
	if err != nil {
		return manifest.Object{}, fmt.Errorf("encoding workflow %q: %w", h.Run, err)
	}
	return resumed, nil
}

// ResumedTitle is the end of the title of a run that another one handed over to.
const ResumedTitle = ", by the pipeline that it declares"

// ResumedValues returns the additional parameters of a run that another one handed over to.
func ResumedValues(origin string, h stage.Handover) map[string]string {
	values := map[string]string{plan.Artifact: h.Artifact, plan.Digest: h.Digest, plan.Gates: h.Gates, plan.Origin: origin}
	if h.ConfigDigest != "" { // a run of an earlier version has none, and its template does not take it
		values[plan.ConfigDigest] = h.ConfigDigest
	}
	return values
}
