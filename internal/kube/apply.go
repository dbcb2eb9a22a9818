package kube

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/errs"
	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Apply applies all objects of a pipeline in order, and removes objects that the
// pipeline had under other names. It needs the permissions of an administrator: it
// changes roles, and lists all objects of the pipeline.
//
// Apply changes nothing unless the server accepts every object in a dry run and
// none belongs to another pipeline.
func (c Cluster) Apply(ctx context.Context, all []manifest.Object) ([]manifest.Change, error) {
	set, err := parse(all)
	if err != nil {
		return nil, err
	}
	changes, err := c.applyAll(ctx, set)
	if err != nil {
		return changes, err
	}
	removed, err := c.removeOthers(ctx, set)
	return append(changes, removed...), err
}

// Update applies all objects except those that grant permissions. A pipeline that
// updates itself uses it: it reads objects by name only.
func (c Cluster) Update(ctx context.Context, all []manifest.Object) ([]manifest.Change, error) {
	set, err := parse(all)
	if err != nil {
		return nil, err
	}
	return c.applyAll(ctx, slices.DeleteFunc(set, grantsPermissions))
}

// Try checks whether Update would succeed, and changes nothing: the service accounts
// exist, no object belongs to another pipeline, and the server accepts each object
// in a dry run.
func (c Cluster) Try(ctx context.Context, all []manifest.Object) error {
	set, err := parse(all)
	if err != nil {
		return err
	}
	for _, u := range set {
		if u.GetKind() == "ServiceAccount" {
			if err := c.identity(ctx, u); err != nil {
				return err
			}
		}
	}
	return c.try(ctx, slices.DeleteFunc(set, grantsPermissions))
}

// identity returns an error without the ServiceAccount: its pods would not start.
// The pipeline can read only its own ServiceAccounts, by name.
func (c Cluster) identity(ctx context.Context, account *unstructured.Unstructured) error {
	found, err := c.resource(account).Get(ctx, account.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return errs.Invalidf("%s does not exist in namespace %q or belongs to another pipeline, and a pipeline does not change its own permissions", name(account), account.GetNamespace()).
			WithHint("an administrator installs it: generator bootstrap")
	case err != nil:
		return explain(account, err)
	}
	return ownedBy(found, account)
}

// Annotations returns the annotations of a ServiceAccount of the pipeline, and nil if it
// does not exist. A ServiceAccount that the pipeline may not read is not its own.
func (c Cluster) Annotations(ctx context.Context, account manifest.Object) (map[string]string, error) {
	u := reference(account)
	found, err := c.resource(u).Get(ctx, account.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil, nil
	case err != nil:
		return nil, explain(u, err)
	}
	return found.GetAnnotations(), nil
}

// Remove removes the named objects that exist.
func (c Cluster) Remove(ctx context.Context, named []manifest.Object) ([]manifest.Change, error) {
	var all objects
	for _, object := range named {
		all = append(all, reference(object))
	}
	return c.removeAll(ctx, all)
}

// grantsPermissions reports whether the object says what the pipeline may do, which a
// commit must not be able to change.
func grantsPermissions(u *unstructured.Unstructured) bool {
	return slices.Contains([]string{"ServiceAccount", "Secret", "Role", "RoleBinding", "NetworkPolicy"}, u.GetKind()) || ofCluster(u.GetKind())
}

// applyAll applies the objects in order. Argo must accept a new version of the
// template before anything refers to it; the Sensor, which comes last, is restored
// if it is not accepted.
func (c Cluster) applyAll(ctx context.Context, set objects) ([]manifest.Change, error) {
	if err := c.try(ctx, set); err != nil {
		return nil, err
	}
	current, err := c.versionInUse(ctx, set)
	if err != nil {
		return nil, err
	}
	var changes []manifest.Change
	for _, u := range set {
		action, err := c.put(ctx, u, current)
		if action != "" {
			changes = append(changes, manifest.Change{Object: name(u), Action: action})
		}
		if err != nil {
			return changes, err
		}
	}
	retired, err := c.retire(ctx, set, current)
	return append(changes, retired...), err
}

// try applies every object in a dry run.
func (c Cluster) try(ctx context.Context, set objects) error {
	for _, u := range set {
		if err := c.checkOwner(ctx, u); err != nil {
			return err
		}
		if _, err := c.tryApply(ctx, u); err != nil {
			return explain(u, err)
		}
	}
	return nil
}

// checkOwner refuses to take over an object of another pipeline.
func (c Cluster) checkOwner(ctx context.Context, u *unstructured.Unstructured) error {
	found, err := c.live(ctx, u)
	if err != nil || found == nil {
		return err
	}
	return ownedBy(found, u)
}

// ownedBy returns an error if the object belongs to another pipeline.
func ownedBy(found, u *unstructured.Unstructured) error {
	owner, own := found.GetLabels()[manifest.LabelPipeline], u.GetLabels()[manifest.LabelPipeline]
	if owner == "" || owner == own {
		return nil
	}
	return errs.Invalidf("%s in namespace %q belongs to the pipeline %q, and this one is %q", name(u), u.GetNamespace(), owner, own).
		WithHint("set workflowTemplateName to a unique name: names that the configuration omits derive from it; names that it sets (eventSourceName, sensorName, serviceAccountName) must be unique too")
}

// put applies one object and waits until its controller has accepted it.
func (c Cluster) put(ctx context.Context, u *unstructured.Unstructured, current string) (manifest.Action, error) {
	before, err := c.live(ctx, u)
	if err != nil {
		return "", err
	}
	if err := c.takeOver(ctx, before, u); err != nil {
		return "", explain(u, err)
	}
	after, err := c.apply(ctx, u)
	if err != nil {
		return "", explain(u, err)
	}
	action := manifest.Changed
	switch {
	case before == nil:
		action = manifest.Created
	case before.GetResourceVersion() == after.GetResourceVersion():
		action = manifest.Unchanged
	}
	return action, c.settle(ctx, u, before, current)
}

func (c Cluster) apply(ctx context.Context, u *unstructured.Unstructured, dryRun ...string) (*unstructured.Unstructured, error) {
	options := metav1.ApplyOptions{FieldManager: FieldManager, Force: c.Force}
	options.DryRun = dryRun
	return c.resource(u).Apply(ctx, u.GetName(), u, options)
}

// reference makes an object that names another.
func reference(object manifest.Object) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	u.SetAPIVersion(versionOf(object.Kind))
	u.SetKind(object.Kind)
	u.SetNamespace(object.Namespace)
	u.SetName(object.Name)
	return u
}

func versionOf(kind string) string {
	switch kind {
	case "Pod", "Service", "ServiceAccount", "Secret", "ConfigMap", namespaceKind:
		return "v1"
	case "Deployment":
		return "apps/v1"
	case "Role", "RoleBinding":
		return "rbac.authorization.k8s.io/v1"
	case "NetworkPolicy":
		return "networking.k8s.io/v1"
	case policyKind, bindingKind:
		return "admissionregistration.k8s.io/v1"
	}
	return argoGroup + "/v1alpha1"
}
