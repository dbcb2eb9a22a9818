package kube

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/fault"
	"github.com/aphex/aphex-pipeline/internal/manifest"
)

// FieldManager is the name under which every field that a pipeline sets is owned.
const FieldManager = "aphex-pipeline"

// Cluster applies objects through one client.
type Cluster struct{ Client dynamic.Interface }

// Apply brings the objects to the cluster. The server first tries all of them
// without keeping any (dry run): one that it refuses leaves the cluster as it
// was. The error names the object and, for a conflict, the managers that own
// the fields.
func (c Cluster) Apply(ctx context.Context, objects []manifest.Object) ([]manifest.Change, error) {
	parsed := make([]*unstructured.Unstructured, 0, len(objects))
	for _, object := range objects {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(object.YAML, u); err != nil {
			return nil, fmt.Errorf("reading %s: %w", object, err)
		}
		parsed = append(parsed, u)
	}
	for i, u := range parsed {
		if _, err := c.apply(ctx, u, metav1.DryRunAll); err != nil {
			return nil, explain(objects[i], err)
		}
	}
	var changes []manifest.Change
	for i, u := range parsed {
		action, err := c.put(ctx, u)
		if err != nil {
			return changes, explain(objects[i], err)
		}
		changes = append(changes, manifest.Change{Object: objects[i].String(), Action: action})
	}
	return changes, nil
}

// put applies one object and tells from its resource version whether that changed anything.
func (c Cluster) put(ctx context.Context, u *unstructured.Unstructured) (manifest.Action, error) {
	before, err := c.resource(u).Get(ctx, u.GetName(), metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return "", err
	}
	created := err != nil
	after, err := c.apply(ctx, u)
	switch {
	case err != nil:
		return "", err
	case created:
		return manifest.Created, nil
	case before.GetResourceVersion() == after.GetResourceVersion():
		return manifest.Unchanged, nil
	}
	return manifest.Changed, nil
}

func (c Cluster) apply(ctx context.Context, u *unstructured.Unstructured, dryRun ...string) (*unstructured.Unstructured, error) {
	options := metav1.ApplyOptions{FieldManager: FieldManager}
	options.DryRun = dryRun
	return c.resource(u).Apply(ctx, u.GetName(), u, options)
}

// resource finds where objects of this kind are kept. The plural is guessed as
// Kubernetes itself does for custom resources: lower case with an s.
func (c Cluster) resource(u *unstructured.Unstructured) dynamic.ResourceInterface {
	resource, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
	return c.Client.Resource(resource).Namespace(u.GetNamespace())
}

// explain turns the API server's refusal into an error for a person.
func explain(object manifest.Object, err error) error {
	switch {
	case apierrors.IsConflict(err):
		return fault.Failedf("%s has fields that others own: %w", object, err).
			WithHint("remove the fields from the other manager (kubectl get %s -n %s --show-managed-fields)", object, object.Namespace)
	case apierrors.IsForbidden(err):
		return fault.Failedf("no right to apply %s in namespace %q: %w", object, object.Namespace, err).
			WithHint("the deployer's service account needs get and patch on it")
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return fault.Failedf("the cluster refuses %s: %w", object, err)
	case apierrors.IsNotFound(err):
		return fault.Failedf("the cluster does not know %s, or has no namespace %q: %w", object.Kind, object.Namespace, err).
			WithHint("are Argo Workflows and Argo Events installed in this cluster?")
	case temporary(err):
		return fault.Temporaryf("applying %s: %w", object, err)
	}
	return fmt.Errorf("applying %s: %w", object, err)
}

func temporary(err error) bool {
	return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || fault.IsTemporary(err) ||
		strings.Contains(err.Error(), "connection refused")
}
