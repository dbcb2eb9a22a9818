package kube

import (
	"cmp"
	"context"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// restarted is the annotation of pods that changes with each restart.
const restarted = "aphex.dev/restarted-at"

// restartWebhook replaces the pods of an EventSource, which read the webhook secret when
// they start, and waits until the new ones are ready. The old ones answer until then.
func (c Cluster) restartWebhook(ctx context.Context, namespace, eventSource string) error {
	deployments, err := c.list(ctx, "Deployment", namespace, "eventsource-name="+eventSource)
	if err != nil {
		return explain(reference(manifest.Object{Kind: "Deployment", Namespace: namespace}), err)
	}
	if len(deployments) == 0 {
		return errs.Failedf("no Deployment in namespace %q has the label eventsource-name=%s", namespace, eventSource).
			WithHint("kubectl describe eventsource %s -n %s", eventSource, namespace)
	}
	patient := c
	patient.Patience = cmp.Or(c.Start, startOfReceiver)
	for _, deployment := range deployments {
		next := reference(manifest.Object{Kind: "Deployment", Namespace: namespace, Name: deployment.GetName()})
		_ = unstructured.SetNestedField(next.Object, c.now().Format(time.RFC3339Nano), "spec", "template", "metadata", "annotations", restarted)
		applied, err := c.apply(ctx, next)
		if err != nil {
			return explain(next, err)
		}
		err = patient.poll(ctx, next, "the new pods of "+name(next)+" are not ready", func(found *unstructured.Unstructured) (bool, error) {
			return rolledOut(found, applied.GetGeneration()), nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rolledOut reports whether all pods of a Deployment are of a generation of it, as kubectl
// rollout status does.
func rolledOut(deployment *unstructured.Unstructured, generation int64) bool {
	number := func(path ...string) int64 {
		n, _, _ := unstructured.NestedInt64(deployment.Object, path...)
		return n
	}
	wanted := max(1, number("spec", "replicas"))
	return number("status", "observedGeneration") >= generation && number("status", "updatedReplicas") >= wanted &&
		number("status", "replicas") == number("status", "updatedReplicas") && number("status", "availableReplicas") >= wanted
}

// RenewToken replaces the Secret with the token of the pods, and waits for the new token.
// The old one ends at once, so that it refuses while a run of the pipeline is in progress.
func (c Cluster) RenewToken(ctx context.Context, secret manifest.Object, pipeline string) error {
	set, err := parse([]manifest.Object{secret})
	if err != nil {
		return err
	}
	runs, err := c.Incomplete(ctx, pipeline, secret.Namespace)
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		return errs.Failedf("the run %s is in progress, and its steps report their results with the token", runs[0]).
			WithHint("try again when it has ended: argo list -n %s --running", secret.Namespace)
	}
	if err := c.checkOwner(ctx, set[0]); err != nil {
		return err
	}
	if _, err := c.remove(ctx, set[0]); err != nil {
		return err
	}
	_, err = c.put(ctx, set[0], "")
	return err
}
