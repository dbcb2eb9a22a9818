package kube

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// kinds are all kinds of a pipeline's objects except its runs, in the order of removal:
// first what starts runs, last what grants permissions.
var kinds = []string{
	"Sensor", "CronWorkflow", "EventSource", "Service", "Secret", "WorkflowTemplate", "NetworkPolicy", bindingKind, policyKind, "RoleBinding", "Role", "ServiceAccount",
	"Deployment", "ConfigMap", namespaceKind,
}

const namespaceKind = "Namespace"

// ofImageBuilder reports whether only the pipeline's BuildKit has objects of a kind.
func ofImageBuilder(kind string) bool {
	return kind == "Deployment" || kind == "ConfigMap" || kind == namespaceKind
}

// owned lists the objects of the pipeline, whatever their name and namespace, without
// those that a controller made for them: Argo Events copies the labels of an EventSource to
// its Deployment. Without permission to list all namespaces, it searches the given ones.
func (c Cluster) owned(ctx context.Context, pipeline string, namespaces []string) (objects, error) {
	var all objects
	for _, kind := range kinds {
		found, err := c.listAll(ctx, kind, selectorOf(pipeline), namespaces)
		if err != nil {
			return nil, err
		}
		for _, object := range found {
			if metav1.GetControllerOf(object) == nil {
				all = append(all, object)
			}
		}
	}
	return all, nil
}

func selectorOf(pipeline string) string {
	return manifest.LabelManagedBy + "=" + manifest.ManagedBy + "," + manifest.LabelPipeline + "=" + pipeline
}

// listAll returns the objects of a kind in all namespaces, or else in the given ones.
func (c Cluster) listAll(ctx context.Context, kind, selector string, namespaces []string) (objects, error) {
	found, err := c.list(ctx, kind, "", selector)
	if apierrors.IsForbidden(err) && (ofCluster(kind) || ofImageBuilder(kind)) {
		return nil, nil // whoever may not look at them did not install them
	}
	if apierrors.IsForbidden(err) {
		found, err = c.listIn(ctx, kind, namespaces, selector)
	}
	if err != nil {
		return nil, explain(reference(manifest.Object{Kind: kind}), err)
	}
	return found, nil
}

func (c Cluster) listIn(ctx context.Context, kind string, namespaces []string, selector string) (objects, error) {
	var all objects
	for _, namespace := range namespaces {
		found, err := c.list(ctx, kind, namespace, selector)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// list returns the objects of a kind in a namespace, or in all. A kind that the
// cluster does not know has none.
func (c Cluster) list(ctx context.Context, kind, namespace, selector string) (objects, error) {
	list, err := c.resource(reference(manifest.Object{Kind: kind, Namespace: namespace})).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	all := make(objects, 0, len(list.Items))
	for i := range list.Items {
		all = append(all, &list.Items[i])
	}
	return all, nil
}

// removeOthers removes the pipeline's objects that are not in the set.
func (c Cluster) removeOthers(ctx context.Context, set objects) ([]manifest.Change, error) {
	others, err := c.others(ctx, set)
	if err != nil {
		return nil, err
	}
	return c.removeAll(ctx, others)
}

// others returns the pipeline's objects that are not in the set: objects that an earlier
// configuration named differently, and versions of the template that no run refers to.
func (c Cluster) others(ctx context.Context, set objects) (objects, error) {
	if len(set) == 0 {
		return nil, nil
	}
	all, err := c.owned(ctx, set[0].GetLabels()[manifest.LabelPipeline], namespacesOf(set))
	if err != nil {
		return nil, err
	}
	needed, err := c.neededVersions(ctx, all)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(u *unstructured.Unstructured) bool {
		return set.has(u) || set.readsSecret(u) || set.leaves(u) || u.GetKind() == "WorkflowTemplate" && needed[u.GetNamespace()+"/"+u.GetName()]
	}), nil
}

// neededVersions returns the names of the templates that unfinished runs refer to.
func (c Cluster) neededVersions(ctx context.Context, all objects) (map[string]bool, error) {
	needed := map[string]bool{}
	var searched []string
	for _, u := range all {
		namespace := u.GetNamespace()
		if u.GetKind() != "WorkflowTemplate" || slices.Contains(searched, namespace) {
			continue
		}
		searched = append(searched, namespace)
		runs, err := c.list(ctx, "Workflow", namespace, "workflows.argoproj.io/completed!=true")
		if err != nil {
			return nil, explain(reference(manifest.Object{Kind: "Workflow", Namespace: namespace}), err)
		}
		for _, run := range runs {
			template, _, _ := unstructured.NestedString(run.Object, "spec", "workflowTemplateRef", "name")
			needed[namespace+"/"+template] = true
		}
	}
	return needed, nil
}

// readsSecret reports whether the set's EventSource checks signatures with the Secret,
// which is not part of the rendered objects.
func (o objects) readsSecret(secret *unstructured.Unstructured) bool {
	source := o.one("EventSource")
	if source == nil || secret.GetKind() != "Secret" || secret.GetNamespace() != source.GetNamespace() {
		return false
	}
	hooks, _, _ := unstructured.NestedMap(source.Object, "spec", "github")
	for event := range hooks {
		used, _, _ := unstructured.NestedString(source.Object, "spec", "github", event, "webhookSecret", "name")
		if used == secret.GetName() {
			return true
		}
	}
	return false
}

// leaves reports whether an object is of a BuildKit that the set does not render, or holds its
// certificates, which no set renders.
func (o objects) leaves(other *unstructured.Unstructured) bool {
	if other.GetLabels()[manifest.LabelComponent] != manifest.ImageBuilder {
		return false
	}
	return other.GetKind() == "Secret" || !slices.ContainsFunc(o, func(u *unstructured.Unstructured) bool {
		return u.GetLabels()[manifest.LabelComponent] == manifest.ImageBuilder
	})
}

func (o objects) has(other *unstructured.Unstructured) bool {
	return slices.ContainsFunc(o, func(u *unstructured.Unstructured) bool {
		return u.GetKind() == other.GetKind() && u.GetNamespace() == other.GetNamespace() && u.GetName() == other.GetName()
	})
}

func namespacesOf(set objects) []string {
	var namespaces []string
	for _, u := range set {
		if !slices.Contains(namespaces, u.GetNamespace()) {
			namespaces = append(namespaces, u.GetNamespace())
		}
	}
	return namespaces
}

func (c Cluster) removeAll(ctx context.Context, all objects) ([]manifest.Change, error) {
	var changes []manifest.Change
	for _, u := range all {
		removed, err := c.remove(ctx, u)
		if err != nil {
			return changes, err
		}
		if removed {
			changes = append(changes, manifest.Change{Object: name(u), Action: manifest.Removed})
		}
	}
	return changes, nil
}

// Delete removes all objects with the pipeline's label and its finished runs, and
// nothing else.
func (c Cluster) Delete(ctx context.Context, pipeline string, namespaces ...string) ([]manifest.Change, error) {
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces)
	all, err := c.owned(ctx, pipeline, namespaces)
	if err != nil {
		return nil, err
	}
	runs, err := c.listAll(ctx, "Workflow", selectorOf(pipeline)+",workflows.argoproj.io/completed=true", namespaces)
	if err != nil {
		return nil, err
	}
	return c.removeAll(ctx, append(all, runs...))
}
