package argo

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/config"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
	"github.com/aphex/aphex-pipeline/internal/plan"
)

// argoVersion is the API version of all kinds of Argo Workflows and Argo Events.
const argoVersion = "argoproj.io/v1alpha1"

// Annotations of the rendered objects.
const (
	annotationAbout  = "workflows.argoproj.io/description"
	annotationConfig = "aphex.dev/config" // path of the configuration in the repository
)

// renderer renders the objects of one pipeline.
type renderer struct {
	cfg   *config.Config
	place plan.Place
	names plan.Names
	self  string // name of the version of the template; empty while its digest is computed
}

func newRenderer(cfg *config.Config, place plan.Place) *renderer {
	return &renderer{cfg: cfg, place: place, names: plan.NamesOf(cfg, place)}
}

// meta returns the metadata of an object, with the labels by which the pipeline finds it.
func (r *renderer) meta(namespace, name, component string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: r.labels(component)}
}

// labels returns the labels that Kubernetes recommends.
func (r *renderer) labels(component string) map[string]string {
	labels := r.identity()
	labels["app.kubernetes.io/component"] = component
	return labels
}

// identity returns the labels of all objects of the pipeline. They do not change when the
// objects are renamed.
func (r *renderer) identity() map[string]string {
	return map[string]string{
		manifest.LabelManagedBy:  manifest.ManagedBy,
		manifest.LabelPipeline:   r.names.Pipeline,
		manifest.LabelInstance:   r.cfg.WorkflowTemplateName,
		"app.kubernetes.io/name": "aphex-pipeline",
	}
}
