package kube

import (
	"context"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// FieldManager is the name under which every field that a pipeline sets is owned.
const FieldManager = "aphex-pipeline"

// Cluster applies objects through one client.
type Cluster struct {
	Client dynamic.Interface
	// Raw reads other resources, such as logs, by path on the API server.
	Raw func(ctx context.Context, path string) ([]byte, error)
	// Stream is Raw for what may be large, or goes on.
	Stream func(ctx context.Context, path string) (io.ReadCloser, error)

	// Patience is how long to wait for Argo's controllers to accept an object; 0 is
	// one minute.
	Patience time.Duration
	// Start is how long to wait for the pods of Argo Events to start, which includes
	// pulling their image; 0 is three minutes.
	Start time.Duration
	// Force takes over fields that another manager owns.
	Force bool
	// Now returns the current time; nil is time.Now.
	Now func() time.Time
}

func (c Cluster) patience() time.Duration {
	if c.Patience == 0 {
		return time.Minute
	}
	return c.Patience
}

func (c Cluster) now() time.Time {
	if c.Now == nil {
		return time.Now().UTC()
	}
	return c.Now().UTC()
}

// argoGroup is the API group of Argo Workflows and Argo Events.
const argoGroup = "argoproj.io"

// objects are the parsed objects of one pipeline.
type objects []*unstructured.Unstructured

func parse(all []manifest.Object) (objects, error) {
	parsed := make(objects, 0, len(all))
	for _, object := range all {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(object.YAML, u); err != nil {
			return nil, fmt.Errorf("reading %s: %w", object, err)
		}
		parsed = append(parsed, u)
	}
	return parsed, nil
}

// one returns the only object of a kind, or nil.
func (o objects) one(kind string) *unstructured.Unstructured {
	for _, u := range o {
		if u.GetKind() == kind {
			return u
		}
	}
	return nil
}

// name names an object as kubectl does.
func name(u *unstructured.Unstructured) string {
	return manifest.Object{Kind: u.GetKind(), Name: u.GetName()}.String()
}

// resource returns the client for objects of this kind. The plural is guessed as
// Kubernetes does for custom resources: lower case with an s.
func (c Cluster) resource(u *unstructured.Unstructured) dynamic.ResourceInterface {
	resource, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
	return c.Client.Resource(resource).Namespace(u.GetNamespace())
}

func (c Cluster) argo(resource, namespace string) dynamic.ResourceInterface {
	return c.Client.Resource(schema.GroupVersionResource{Group: argoGroup, Version: "v1alpha1", Resource: resource}).Namespace(namespace)
}

// live returns the object in the cluster; nil is none.
func (c Cluster) live(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	found, err := c.resource(u).Get(ctx, u.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(u, err)
	}
	return found, nil
}

func (c Cluster) remove(ctx context.Context, u *unstructured.Unstructured) (removed bool, err error) {
	err = c.resource(u).Delete(ctx, u.GetName(), metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, explain(u, err)
	}
	return true, nil
}
