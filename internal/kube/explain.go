package kube

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/aphex/aphex-pipeline/internal/errs"
)

// explain turns an error of the API server into an error with a hint.
func explain(u *unstructured.Unstructured, err error) error {
	object, namespace := name(u), u.GetNamespace()
	if u.GetName() == "" { // all of the kind
		object = strings.ToLower(u.GetKind()) + "s"
	}
	switch {
	case apierrors.IsConflict(err) && managers(err) == "":
		return errs.Temporaryf("%s changed each time that it was about to be updated: %w", object, err).
			WithHint("run it again; kubectl get %s -n %s -o yaml --show-managed-fields shows who changes it", object, namespace)
	case apierrors.IsConflict(err):
		return errs.Failedf("%s has fields that %s set to another value: %w", object, managers(err), err).
			WithHint("release the fields there (kubectl get %s -n %s -o yaml --show-managed-fields shows them), or take them over with --force", object, namespace)
	case apierrors.IsForbidden(err):
		return errs.Failedf("no permission to change %s in namespace %q: %w", object, namespace, err).
			WithHint("apply it once with the permissions of an administrator: generator apply")
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		return errs.Failedf("the cluster rejects %s: %w", object, err)
	case apierrors.IsNotFound(err):
		return errs.Failedf("the cluster does not know %s, or has no namespace %q: %w", u.GetKind(), namespace, err).
			WithHint("check that Argo Workflows and Argo Events are installed in this cluster")
	case temporary(err):
		return errs.Temporaryf("reaching the cluster for %s: %w", object, err)
	}
	return fmt.Errorf("reaching the cluster for %s: %w", object, err)
}

// managers names the owners of the fields of a conflict, from the API server's
// causes such as `conflict with "kubectl" using v1`. A conflict without owners is with a
// change of the object since it was read.
func managers(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return ""
	}
	var names []string
	for _, cause := range status.Status().Details.Causes {
		parts := strings.Split(cause.Message, `"`)
		if cause.Type == metav1.CauseTypeFieldManagerConflict && len(parts) > 1 && !slices.Contains(names, parts[1]) {
			names = append(names, parts[1])
		}
	}
	return strings.Join(names, " and ")
}

func temporary(err error) bool {
	return apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) || apierrors.IsTooManyRequests(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err) || errs.IsTemporary(err) ||
		strings.Contains(err.Error(), "connection refused")
}
