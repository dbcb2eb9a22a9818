package kube

import (
	"context"
	"encoding/base64"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// minSecret is the shortest accepted webhook secret: with an empty one the webhook would
// accept deliveries without a signature.
const minSecret = 16

// PutWebhookSecret writes the webhook secret to the Secret that the EventSource reads.
func (c Cluster) PutWebhookSecret(ctx context.Context, at manifest.Object, pipeline, key, value string) (manifest.Action, error) {
	if len(value) < minSecret {
		return "", errs.Invalidf("the webhook secret has %d characters, fewer than %d", len(value), minSecret)
	}
	secret := reference(at)
	secret.SetLabels(map[string]string{manifest.LabelManagedBy: manifest.ManagedBy, manifest.LabelPipeline: pipeline})
	secret.Object["type"] = "Opaque"
	secret.Object["data"] = map[string]any{key: base64.StdEncoding.EncodeToString([]byte(value))}
	if err := c.checkOwner(ctx, secret); err != nil {
		return "", err
	}
	return c.put(ctx, secret, "")
}

// WebhookAddress returns the external host name or address of a Service, or "" if it
// has none.
func (c Cluster) WebhookAddress(ctx context.Context, service manifest.Object) (string, error) {
	address := ""
	u := reference(service)
	err := c.poll(ctx, u, "", func(found *unstructured.Unstructured) (bool, error) {
		kind, _, _ := unstructured.NestedString(found.Object, "spec", "type")
		if kind != "LoadBalancer" {
			return true, nil
		}
		address = ingressOf(found)
		return address != "", nil
	})
	if errs.KindOf(err) == errs.Temporary && ctx.Err() == nil {
		return "", nil
	}
	return address, err
}

func ingressOf(service *unstructured.Unstructured) string {
	ingress, _, _ := unstructured.NestedSlice(service.Object, "status", "loadBalancer", "ingress")
	for _, entry := range ingress {
		mapping, _ := entry.(map[string]any)
		for _, field := range []string{"hostname", "ip"} {
			if text, ok := mapping[field].(string); ok && text != "" {
				return text
			}
		}
	}
	return ""
}

// Exists reports whether the object exists.
func (c Cluster) Exists(ctx context.Context, object manifest.Object) (bool, error) {
	found, err := c.live(ctx, reference(object))
	return found != nil, err
}
