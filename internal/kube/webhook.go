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

// notLoaded is the annotation of a webhook Secret whose value changed after the pods of
// the webhook read it.
const notLoaded = "aphex.dev/not-loaded"

// WebhookSecret is the Secret of a pipeline that its EventSource reads.
type WebhookSecret struct {
	Object   manifest.Object
	Pipeline string
	Key      string
}

// ReadWebhookSecret returns the webhook secret that the cluster has, "" if it has none, and
// whether the pods of the webhook have read it.
func (c Cluster) ReadWebhookSecret(ctx context.Context, s WebhookSecret) (value string, loaded bool, err error) {
	found, err := c.live(ctx, reference(s.Object))
	if err != nil || found == nil {
		return "", false, err
	}
	encoded, _, _ := unstructured.NestedString(found.Object, "data", s.Key)
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	return string(decoded), found.GetAnnotations()[notLoaded] == "", err
}

// PutWebhookSecret writes a value to the Secret. If it replaces another one,
// LoadWebhookSecret must follow; the Secret records this.
func (c Cluster) PutWebhookSecret(ctx context.Context, s WebhookSecret, value string) (manifest.Action, error) {
	if len(value) < minSecret {
		return "", errs.Invalidf("the webhook secret has %d characters, fewer than %d", len(value), minSecret)
	}
	used, loaded, err := c.ReadWebhookSecret(ctx, s)
	if err != nil {
		return "", err
	}
	return c.writeWebhookSecret(ctx, s, value, used == "" || used == value && loaded)
}

func (c Cluster) writeWebhookSecret(ctx context.Context, s WebhookSecret, value string, loaded bool) (manifest.Action, error) {
	secret := reference(s.Object)
	secret.SetLabels(map[string]string{manifest.LabelManagedBy: manifest.ManagedBy, manifest.LabelPipeline: s.Pipeline})
	if !loaded {
		secret.SetAnnotations(map[string]string{notLoaded: "true"})
	}
	secret.Object["type"] = "Opaque"
	secret.Object["data"] = map[string]any{s.Key: base64.StdEncoding.EncodeToString([]byte(value))}
	if err := c.checkOwner(ctx, secret); err != nil {
		return "", err
	}
	return c.put(ctx, secret, "")
}

// LoadWebhookSecret restarts the pods of an EventSource if they have not read the Secret
// since its value changed.
func (c Cluster) LoadWebhookSecret(ctx context.Context, s WebhookSecret, eventSource string) error {
	value, loaded, err := c.ReadWebhookSecret(ctx, s)
	if err != nil || loaded {
		return err
	}
	if err := c.restartWebhook(ctx, s.Object.Namespace, eventSource); err != nil {
		return err
	}
	// Whoever changed the Secret meanwhile restarts the pods too.
	now, _, err := c.ReadWebhookSecret(ctx, s)
	if err != nil || now != value {
		return err
	}
	_, err = c.writeWebhookSecret(ctx, s, value, true)
	return err
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
