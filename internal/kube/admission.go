package kube

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aphex/aphex-pipeline/internal/kube/manifest"
)

// Kinds of a pipeline that are objects of the whole cluster. A pipeline works without
// them, as not everybody who installs one may write them.
const (
	policyKind  = "ValidatingAdmissionPolicy"
	bindingKind = "ValidatingAdmissionPolicyBinding"
)

func ofCluster(kind string) bool { return kind == policyKind || kind == bindingKind }

// Permitted returns the objects without those of the whole cluster that this user may
// not write, or that the cluster does not know. missing says which were left out, and
// why; it is "" if none were.
func (c Cluster) Permitted(ctx context.Context, all []manifest.Object) (permitted []manifest.Object, missing string, err error) {
	for _, object := range all {
		if !ofCluster(object.Kind) {
			continue
		}
		if missing, err = c.refused(ctx, object); err != nil {
			return nil, "", err
		}
		if missing != "" {
			return slices.DeleteFunc(slices.Clone(all), func(o manifest.Object) bool { return ofCluster(o.Kind) }), missing, nil
		}
	}
	return all, "", nil
}

// refused tries an object in a dry run; a refusal that does not concern the object as
// such is none.
func (c Cluster) refused(ctx context.Context, object manifest.Object) (reason string, err error) {
	set, err := parse([]manifest.Object{object})
	if err != nil {
		return "", err
	}
	_, err = c.apply(ctx, set[0], metav1.DryRunAll)
	switch {
	case apierrors.IsForbidden(err):
		return "your Kubernetes credentials may not write " + object.String(), nil
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return "the cluster does not know the kind " + object.Kind + ", which came with Kubernetes 1.30", nil
	}
	return "", nil
}
