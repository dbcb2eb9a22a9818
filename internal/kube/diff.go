package kube

import (
	"context"
	"fmt"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Difference is how an object in the cluster would change.
type Difference struct {
	manifest.Change
	Text       []byte // unified diff of the two YAML documents
	Constrains bool   // whether a run in progress may fail because of it
}

// Diff returns what Apply would change, and changes nothing. It compares with the
// result of a server-side dry run, which includes defaults and the fields of other
// managers.
func (c Cluster) Diff(ctx context.Context, all []manifest.Object) ([]Difference, error) {
	set, err := parse(all)
	if err != nil {
		return nil, err
	}
	current, err := c.versionInUse(ctx, set)
	if err != nil {
		return nil, err
	}
	var differences []Difference
	for _, u := range set {
		if err := c.checkOwner(ctx, u); err != nil {
			return nil, err
		}
		found, err := c.difference(ctx, set, u, current)
		if err != nil {
			return nil, err
		}
		differences = append(differences, found...)
	}
	others, err := c.others(ctx, set)
	if err != nil {
		return nil, err
	}
	for _, u := range others {
		text, err := compare(u, nil)
		if err != nil {
			return nil, err
		}
		differences = append(differences, Difference{manifest.Change{Object: name(u), Action: manifest.Removed}, text, constrains(u, false)})
	}
	return differences, nil
}

// difference returns none or one. A new version of the template is compared with
// the version in use.
func (c Cluster) difference(ctx context.Context, set objects, u *unstructured.Unstructured, current string) ([]Difference, error) {
	before, err := c.live(ctx, u)
	if err != nil {
		return nil, err
	}
	action := manifest.Changed
	if before == nil {
		action = manifest.Created
		if before, err = c.earlier(ctx, u, current); err != nil {
			return nil, err
		}
	}
	after, err := c.tryApply(ctx, u)
	if apierrors.IsNotFound(err) && action == manifest.Created && set.makes(u.GetNamespace()) {
		after, err = u, nil // its namespace comes first, and no dry run makes it
	}
	if err != nil {
		return nil, explain(u, err)
	}
	text, err := compare(before, after)
	if err != nil || text == nil {
		return nil, err
	}
	return []Difference{{manifest.Change{Object: name(u), Action: action}, text, constrains(u, action == manifest.Created)}}, nil
}

// makes reports whether a namespace is one of the objects.
func (o objects) makes(namespace string) bool {
	return slices.ContainsFunc(o, func(u *unstructured.Unstructured) bool {
		return u.GetKind() == namespaceKind && u.GetName() == namespace
	})
}

// earlier returns the version of the template that is in use, if u replaces it.
func (c Cluster) earlier(ctx context.Context, u *unstructured.Unstructured, current string) (*unstructured.Unstructured, error) {
	if u.GetKind() != "WorkflowTemplate" || current == "" {
		return nil, nil
	}
	return c.live(ctx, reference(manifest.Object{Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: current}))
}

// compare returns the unified diff of two objects; nil is a missing object, or no
// difference.
func compare(before, after *unstructured.Unstructured) ([]byte, error) {
	old, err := readable(before)
	if err != nil {
		return nil, err
	}
	fresh, err := readable(after)
	if err != nil {
		return nil, err
	}
	some := before
	if some == nil {
		some = after
	}
	path := some.GetNamespace() + "/" + name(some)
	return diff.Diff("live/"+path, old, "rendered/"+path, fresh), nil
}

// readable returns an object as YAML without status, server-side metadata and secrets.
func readable(u *unstructured.Unstructured) ([]byte, error) {
	if u == nil {
		return nil, nil
	}
	u = u.DeepCopy()
	delete(u.Object, "status")
	hideSecret(u)
	for _, field := range []string{"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp"} {
		unstructured.RemoveNestedField(u.Object, "metadata", field)
	}
	text, err := yaml.Marshal(u.Object)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", name(u), err)
	}
	return text, nil
}

// hideSecret keeps the keys of a Secret's data, and hides the values.
func hideSecret(u *unstructured.Unstructured) {
	data, _, _ := unstructured.NestedMap(u.Object, "data")
	if u.GetKind() != "Secret" || data == nil {
		return
	}
	for key := range data {
		data[key] = "(hidden)"
	}
	u.Object["data"] = data
}
