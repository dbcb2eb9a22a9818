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

// Apply brings all objects of a pipeline to the cluster, in their order, and
// removes what the pipeline had under other names. It is for a person: it
// changes rights, and finds what is to be removed by looking at everything.
//
// Nothing is changed unless the server would take every object (dry run) and
// none of them belongs to another pipeline.
func (c Cluster) Apply(ctx context.Context, all []manifest.Object) ([]manifest.Change, error) {
	set, err := parse(all)
	if err != nil {
		return nil, err
	}
	changes, err := c.bring(ctx, set)
	if err != nil {
		return changes, err
	}
	removed, err := c.removeOthers(ctx, set)
	return append(changes, removed...), err
}

// Update brings the objects but those that give rights. It is for a pipeline
// that updates itself, and asks for nothing but the objects by their names.
func (c Cluster) Update(ctx context.Context, all []manifest.Object) ([]manifest.Change, error) {
	set, err := parse(all)
	if err != nil {
		return nil, err
	}
	return c.bring(ctx, slices.DeleteFunc(set, givesRights))
}

// Try reports whether Update could bring the objects, and changes nothing: whether
// the identities that they name are there, whether any belongs to another
// pipeline, and whether the server would take each (dry run).
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
	return c.try(ctx, slices.DeleteFunc(set, givesRights))
}

// identity refuses to go on without a ServiceAccount: pods that name it would
// not start. The pipeline may look at its own by their names, and at no other.
func (c Cluster) identity(ctx context.Context, account *unstructured.Unstructured) error {
	found, err := c.resource(account).Get(ctx, account.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return errs.Invalidf("%s is not there in namespace %q, or not of this pipeline, and a pipeline changes no rights of its own", name(account), account.GetNamespace()).
			WithHint("a person brings it: generator bootstrap")
	case err != nil:
		return explain(account, err)
	}
	return ownedBy(found, account)
}

// Remove removes objects by their names, those that are there.
func (c Cluster) Remove(ctx context.Context, named []manifest.Object) ([]manifest.Change, error) {
	var all objects
	for _, object := range named {
		all = append(all, reference(object))
	}
	return c.removeAll(ctx, all)
}

// givesRights tells the objects that a commit must not be able to change.
func givesRights(u *unstructured.Unstructured) bool {
	return slices.Contains([]string{"ServiceAccount", "Role", "RoleBinding"}, u.GetKind())
}

// bring applies the objects in their order. The new version of the template
// must be accepted before anything points to it; the Sensor, which comes last,
// is put back when it is not.
func (c Cluster) bring(ctx context.Context, set objects) ([]manifest.Change, error) {
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

// try asks the server about every object without keeping any.
func (c Cluster) try(ctx context.Context, set objects) error {
	for _, u := range set {
		if err := c.checkOwner(ctx, u); err != nil {
			return err
		}
		if _, err := c.apply(ctx, u, metav1.DryRunAll); err != nil {
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

// ownedBy says that an object is this pipeline's, or nobody's.
func ownedBy(found, u *unstructured.Unstructured) error {
	owner, own := found.GetLabels()[manifest.LabelPipeline], u.GetLabels()[manifest.LabelPipeline]
	if owner == "" || owner == own {
		return nil
	}
	return errs.Invalidf("%s in namespace %q belongs to the pipeline %q, and this one is %q", name(u), u.GetNamespace(), owner, own).
		WithHint("set workflowTemplateName to a name of its own: names that the configuration leaves out follow from it; a name that it gives (eventSourceName, sensorName, serviceAccountName) must be its own too")
}

// put applies one object and waits until its controller has accepted it.
func (c Cluster) put(ctx context.Context, u *unstructured.Unstructured, current string) (manifest.Action, error) {
	before, err := c.live(ctx, u)
	if err != nil {
		return "", err
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
	case "Service", "ServiceAccount", "Secret":
		return "v1"
	case "Role", "RoleBinding":
		return "rbac.authorization.k8s.io/v1"
	}
	return argoGroup + "/v1alpha1"
}
