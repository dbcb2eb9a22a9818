package kube

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"k8s.io/client-go/util/retry"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// kubectlApply is the field manager of kubectl apply, with which the construct installs a
// pipeline, and so does who applies what generator render prints.
const kubectlApply = "kubectl-client-side-apply"

// byKubectl reports whether kubectl apply set fields of an object of the pipeline of u. What
// it set is an older state of the pipeline.
func byKubectl(found, u *unstructured.Unstructured) bool {
	return found.GetLabels()[manifest.LabelPipeline] == u.GetLabels()[manifest.LabelPipeline] &&
		slices.ContainsFunc(found.GetManagedFields(), func(entry metav1.ManagedFieldsEntry) bool {
			return entry.Manager == kubectlApply && entry.Operation == metav1.ManagedFieldsOperationUpdate
		})
}

// takeOver makes the pipeline the owner of the fields that kubectl apply set, as kubectl
// apply --server-side does: fields that the pipeline no longer declares are then removed.
// If a controller changed the object since it was read, it is read again.
func (c Cluster) takeOver(ctx context.Context, found, u *unstructured.Unstructured) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		if found == nil || !byKubectl(found, u) {
			return nil
		}
		patch, err := csaupgrade.UpgradeManagedFieldsPatch(found, sets.New(kubectlApply), FieldManager)
		if err != nil {
			return err
		}
		_, conflict := c.resource(u).Patch(ctx, u.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: FieldManager})
		if !apierrors.IsConflict(conflict) {
			return conflict
		}
		if found, err = c.live(ctx, u); err != nil {
			return err
		}
		return conflict
	})
}

// tryApply applies an object in a dry run. Fields that takeOver will take over are no
// conflict.
func (c Cluster) tryApply(ctx context.Context, u *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	applied, conflict := c.apply(ctx, u, metav1.DryRunAll)
	if !apierrors.IsConflict(conflict) || managers(conflict) != kubectlApply {
		return applied, conflict
	}
	found, err := c.live(ctx, u)
	if err != nil || found == nil || !byKubectl(found, u) {
		return nil, conflict
	}
	c.Force = true
	return c.apply(ctx, u, metav1.DryRunAll)
}
