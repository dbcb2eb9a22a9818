package argo

import (
	"encoding/json"
	"slices"

	wfv1 "github.com/argoproj/argo-workflows/v3/pkg/apis/workflow/v1alpha1"
)

// durations are the upper bounds, in seconds, of the buckets of aphex_run_seconds: from
// the check of a pull request to a run that waits for days.
var durations = []json.Number{"15", "30", "60", "120", "300", "600", "1200", "2400", "3600", "14400", "86400"}

// metrics renders the metrics of the template, if the configuration has any.
func (r *renderer) metrics() *wfv1.Metrics {
	if !r.cfg.Metrics {
		return nil
	}
	return r.allMetrics()
}

// allMetrics renders what Argo's controller counts and serves to Prometheus, each with
// argo_workflows_ before its name. A help text never changes: Prometheus refuses a name with
// two of them (https://argo-workflows.readthedocs.io/en/release-3.7/metrics/).
func (r *renderer) allMetrics() *wfv1.Metrics {
	labels := []*wfv1.MetricLabel{
		{Key: "pipeline", Value: r.cfg.WorkflowTemplateName},
		{Key: "entrypoint", Value: "{{workflow.mainEntrypoint}}"},
		{Key: "status", Value: "{{workflow.status}}"},
	}
	buckets := make([]wfv1.Amount, len(durations))
	for i, seconds := range durations {
		buckets[i] = wfv1.Amount{Value: seconds}
	}
	return &wfv1.Metrics{Prometheus: []*wfv1.Prometheus{
		{Name: "aphex_runs_total", Help: "Workflows of a pipeline that ended.", Labels: labels, Counter: &wfv1.Counter{Value: "1"}},
		{
			Name: "aphex_run_seconds", Help: "Seconds from the start of a Workflow to its end.", Labels: labels,
			Histogram: &wfv1.Histogram{Value: "{{workflow.duration}}", Buckets: buckets},
		},
	}}
}

// metricsCondition is the condition, in CEL, that the template has metrics of these names
// and values of labels or none: a commit decides between the two.
func (r *renderer) metricsCondition() string {
	var names, values []string
	for _, metric := range r.allMetrics().Prometheus {
		names = append(names, metric.Name)
		for _, label := range metric.Labels {
			values = append(values, label.Value)
		}
	}
	slices.Sort(values)
	return "(!has(object.spec.metrics) || (" + only("object.spec.metrics", "prometheus") + " && object.spec.metrics.prometheus.all(m, " +
		only("m", "name", "help", "labels", "counter", "histogram") + " && m.name in " + list(names...) +
		" && m.labels.all(l, l.value in " + list(slices.Compact(values)...) + "))))"
}
